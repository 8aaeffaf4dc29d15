import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { bytesSerde } from "@ottla/client";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { clientTargets, type RunningTarget } from "../harness/client-targets.ts";
import { external, kafkaAppsClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { javaProgram } from "../harness/java-programs.ts";
import { LongRunning } from "../harness/long-running.ts";
import { itIsDissected } from "../harness/tshark.ts";
import { twice } from "../harness/twice.ts";
import { until } from "../harness/until.ts";

const WORDS = ["all", "streams", "lead", "to", "kafka"];
const LINES = 50;

describe.skipIf(kafkaAppsClassPath === null).each(clientTargets)("Kafka Streams on $name", ({ start, isCluster }) => {
  let broker: RunningTarget;
  let bootstrapServers: string;
  let admin: Admin;
  let stateDirectory: string;

  beforeAll(async () => {
    broker = await start();
    bootstrapServers = broker.bootstrapServers;
    admin = new Admin({ bootstrapServers });
    stateDirectory = await mkdtemp(join(tmpdir(), "ottla-streams-"));
    const topics = ["lines", "counts", "clicks", "orders", "joined"];
    await admin.createTopics(topics.map((name) => ({ name: `streams-${name}`, partitions: 2 })));
  });
  afterAll(async () => {
    await admin?.close();
    await broker?.stop();
    await rm(stateDirectory, { recursive: true, force: true });
  });

  const startProgram = () =>
    new LongRunning(external.java!, [
      ...[...SMALL_JVM, ...javaProgram("StreamsPrograms", kafkaAppsClassPath!)],
      ...[bootstrapServers, "streams-app", stateDirectory],
    ]);

  /** Two are joined where their times are within ten seconds of each other. */
  async function writeInput(round: number): Promise<void> {
    const atMs = Date.now();
    await using producer = new Producer({ bootstrapServers });
    const lines = Array.from({ length: LINES }, () => ({ topic: "streams-lines", value: WORDS.join(" ") }));
    const orders = [1, 2, 3].map((n) => ({
      ...{ topic: "streams-orders", key: `customer-${n}`, value: `order-${round}` },
      timestampMs: n === 3 ? atMs - 60_000 : atMs + 1_000,
    }));
    const clicks = [1, 2, 3].map((n) => ({
      ...{ topic: "streams-clicks", key: `customer-${n}`, value: `click-${round}` },
      timestampMs: atMs,
    }));
    await producer.send([...lines, ...orders, ...clicks]);
  }

  twice("counts words over a repartition topic and a changelog, and joins two streams in a window", async (round) => {
    const counts = new Map<string, bigint>();
    const joined = new Set<string>();
    await using output = new Consumer({ bootstrapServers, autoOffsetReset: "earliest", valueDeserializer: bytesSerde });
    output.assign(
      ["counts", "joined"].flatMap((name) => [0, 1].map((partition) => ({ topic: `streams-${name}`, partition }))),
    );
    const reading = (async () => {
      for await (const { topic, key, value } of output) {
        const bytes = Buffer.from(value ?? []);
        if (topic === "streams-counts") counts.set(String(key), bytes.readBigInt64BE());
        else joined.add(`${key}: ${bytes}`);
      }
    })();
    const streams = startProgram();
    try {
      await streams.untilPrinted(/running/);
      await writeInput(round);
      // The second time, the counts go on from what the changelog has kept.
      const total = BigInt(LINES * round);
      const isCounted = () => WORDS.every((word) => counts.get(word) === total);
      await until("counted", isCounted, 40_000, () => JSON.stringify([...counts].map(String)) + streams.output);
      const isJoined = () => [1, 2].every((n) => joined.has(`customer-${n}: click-${round}+order-${round}`));
      await until("joined", isJoined, 40_000, () => `${[...joined]} ${streams.output}`);
      expect([...joined].filter((pair) => pair.startsWith("customer-3"))).toEqual([]);
    } finally {
      expect(await streams.stop(), streams.output).toBe(0);
      await output.close();
      await reading;
    }
    const topics = (await admin.listTopics()).map((topic) => (typeof topic === "string" ? topic : topic.name));
    expect(topics).toEqual(expect.arrayContaining(["streams-app-words-repartition", "streams-app-counts-changelog"]));
    // The state is restored from the changelog alone.
    await rm(stateDirectory, { recursive: true, force: true });
  });

  if (!isCluster) itIsDissected(() => broker.frames);
});
