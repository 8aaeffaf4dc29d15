import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { external, kafkaAppsClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { javaProgram } from "../harness/java-programs.ts";
import { LongRunning } from "../harness/long-running.ts";
import { readCommitted } from "../harness/read-committed.ts";
import { until } from "../harness/until.ts";

const IS_DEEP = Boolean(process.env.OTTLA_TEST_DEEP);
const KILLS = IS_DEEP ? 30 : 3;
/** Every third time a killed broker is away for long enough that clients give up what they were about to do. */
const AWAY_MS = IS_DEEP ? 5_000 : 0;
const RECORDS_PER_ROUND = 400;
const KEYS = 5;
const PARTITIONS = 2;

/** Between two kills so much gets through: the end offset of what is written is seen to move. */
const PROGRESS_TIMEOUT_MS = 60_000;

/** A record's value is `ROUND.INDEX`. */
const keyOf = (value: string) => Number(value.split(".")[1]) % KEYS;

interface World {
  readonly bootstrapServers: string;
  readonly stateDirectory: string;
}

/** Programs of others that copy `NAME-in` to `NAME-out`, record by record, exactly once. */
const COPIERS = [
  {
    name: "streams",
    what: "Kafka Streams with exactly_once_v2",
    isAbsent: kafkaAppsClassPath === null,
    signal: null,
    command: ({ bootstrapServers, stateDirectory }: World) => [
      ...[external.java!, ...SMALL_JVM, ...javaProgram("StreamsExactlyOnce", kafkaAppsClassPath!)],
      ...[bootstrapServers, "streams-in", "streams-out", "streams-copier", stateDirectory],
    ],
  },
  {
    name: "franz",
    what: "franz-go's GroupTransactSession",
    isAbsent: external.franzGo === null,
    signal: "SIGTERM" as const,
    command: ({ bootstrapServers }: World) => [
      ...[external.franzGo!, "transact", bootstrapServers, "franz-in", "franz-out", "franz-copier"],
    ],
  },
];

for (const { name, what, isAbsent, signal, command } of COPIERS) {
  describe.skipIf(isAbsent)(`${what}, while the broker is killed ${KILLS} times`, () => {
    let dataDirectory: string;
    let stateDirectory: string;
    let broker: BrokerProcess;

    beforeAll(async () => {
      dataDirectory = await mkdtemp(join(tmpdir(), "ottla-exactly-once-"));
      stateDirectory = await mkdtemp(join(tmpdir(), "ottla-exactly-once-state-"));
      broker = await BrokerProcess.start({ dataDirectory });
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      const topics = ["in", "out", "out-counts"].map((suffix) => `${name}-${suffix}`);
      await admin.createTopics(topics.map((topic) => ({ name: topic, partitions: PARTITIONS })));
    });
    afterAll(async () => {
      await broker?.stop();
      await rm(dataDirectory, { recursive: true, force: true });
      await rm(stateDirectory, { recursive: true, force: true });
    });

    /** What is sent, by key, in order. */
    const sent: string[][] = Array.from({ length: KEYS }, () => []);

    async function send(round: number): Promise<void> {
      await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
      const records = Array.from({ length: RECORDS_PER_ROUND }, (_, index) => {
        const value = `${round}.${index}`;
        sent[keyOf(value)]!.push(value);
        return { topic: `${name}-in`, key: `k${keyOf(value)}`, value };
      });
      await producer.send(records);
    }

    async function endOffset(): Promise<number> {
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      const offsets = await admin.listOffsets([
        { topic: `${name}-out`, partition: 0, spec: "latest" },
        { topic: `${name}-out`, partition: 1, spec: "latest" },
      ]);
      return offsets.reduce((sum, { offset }) => sum + offset, 0);
    }

    it("copies each record once, in order, and nothing hangs", { timeout: IS_DEEP ? 600_000 : 300_000 }, async () => {
      const [program, ...args] = command({ bootstrapServers: broker.bootstrapServers, stateDirectory });
      const copier = new LongRunning(program!, args);
      const read = async () => {
        const values = [
          ...(await readCommitted(broker.bootstrapServers, { topic: `${name}-out`, partition: 0 })),
          ...(await readCommitted(broker.bootstrapServers, { topic: `${name}-out`, partition: 1 })),
        ];
        return sent.map((_, key) => values.filter((value) => keyOf(value) === key));
      };
      try {
        await copier.untilPrinted(/running/);
        for (let kill = 0; kill < KILLS; kill++) {
          const before = await endOffset();
          await send(kill);
          const isMoving = async () => (await endOffset()) > before + 50;
          await until("records are copied", isMoving, PROGRESS_TIMEOUT_MS, () => copier.output);
          broker.child.kill("SIGKILL");
          await once(broker.child, "exit");
          if (kill % 3 === 0) await setTimeout(AWAY_MS);
          broker = await BrokerProcess.start({ dataDirectory, port: broker.port });
        }
        await send(KILLS);
        const count = (KILLS + 1) * RECORDS_PER_ROUND;
        let copied: string[][] = [];
        const isCopied = async () => {
          copied = await read();
          return copied.flat().length >= count;
        };
        await until("all is copied", isCopied, PROGRESS_TIMEOUT_MS, () => `${copied.flat().length} ${copier.output}`);
        expect(copied).toEqual(sent);
      } finally {
        const code = await copier.stop(signal);
        expect(code, copier.output).toBe(0);
      }
      if (name === "streams") await checkCounts();
      // Not one more after the end.
      expect(await read()).toEqual(sent);
    });

    /** The counts of each key, as readers of committed records saw them: each number once, in order. */
    async function checkCounts(): Promise<void> {
      const counts = await Promise.all(
        [0, 1].map((partition) => readCommitted(broker.bootstrapServers, { topic: `${name}-out-counts`, partition })),
      );
      const perKey = ((KILLS + 1) * RECORDS_PER_ROUND) / KEYS;
      const seen = new Map<number, number>();
      for (const count of counts.flat().map(Number)) seen.set(count, (seen.get(count) ?? 0) + 1);
      expect(Math.max(...seen.keys())).toBe(perKey);
      expect(seen.get(perKey)).toBe(KEYS);
      expect([...seen.values()].every((times) => times <= KEYS)).toBe(true);
    }
  });
}
