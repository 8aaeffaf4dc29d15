// Reads committed records of some partitions from their beginning, and says which, a line of JSON each: see transaction-history.ts of @ottla/testing.
// Arguments: BOOTSTRAP NAME PARTITIONS(topic-index,…). Ends at SIGTERM.
import { Consumer } from "@ottla/consumer";

const [bootstrapServers, reader, partitionList] = process.argv.slice(2);
const nowMs = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const consumer = new Consumer({ bootstrapServers, isolationLevel: "read_committed", autoOffsetReset: "earliest" });
consumer.assign(
  partitionList.split(",").map((name) => {
    const at = name.lastIndexOf("-");
    return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) };
  }),
);
process.on("SIGTERM", () => consumer.close());
for await (const { topic, partition, offset, value } of consumer) {
  const line = { kind: "read", reader, partition: `${topic}-${partition}`, offset, value, atMs: nowMs() };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
