// Writes transactions, some of which it aborts, and says on standard output what it did, a line of JSON each: see
// transaction-history.ts of @ottla/testing. Arguments: BOOTSTRAP TRANSACTIONAL_ID PREFIX PARTITIONS(topic-index,…). Ends at SIGTERM, or when fenced.
import { Producer, transactionErrorKind } from "@ottla/producer";

const SENDS_MAX = 6;
const ABORT_SHARE = 0.25;
const TRANSACTION_TIMEOUT_MS = 3_000;

const [bootstrapServers, transactionalId, prefix, partitionList] = process.argv.slice(2);
const partitions = partitionList.split(",").map((name) => {
  const at = name.lastIndexOf("-");
  return { name, topic: name.slice(0, at), partition: Number(name.slice(at + 1)) };
});
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const oneOf = (list) => list[Math.floor(Math.random() * list.length)];

class DeliberateAbort extends Error {}

let isStopping = false;
process.on("SIGTERM", () => {
  isStopping = true;
});

async function transact(producer, id) {
  say({ kind: "begin", id });
  let outcome = "unknown";
  try {
    await producer.transaction(async (tx) => {
      const sends = Array.from({ length: 1 + Math.floor(Math.random() * SENDS_MAX) }, async (_, index) => {
        const { name, topic, partition } = oneOf(partitions);
        const value = `${id}/${index}`;
        say({ kind: "send", id, partition: name, value });
        const { offset } = await tx.send({ topic, partition, value });
        say({ kind: "sent", id, value, offset });
      });
      await Promise.all(sends);
      if (Math.random() < ABORT_SHARE) throw new DeliberateAbort();
      say({ kind: "committing", id, atMs: nowMs() });
    });
    outcome = "committed";
  } catch (error) {
    if (error instanceof DeliberateAbort) outcome = "aborted";
    else {
      say({ kind: "trouble", id, what: String(error) });
      if (transactionErrorKind(error) === "fatal") isStopping = true;
    }
  }
  say({ kind: "end", id, outcome });
}

const producer = new Producer({ bootstrapServers, transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS });
for (let number = 0; !isStopping; number++) await transact(producer, `${prefix}.${number}`);
await producer.close();
