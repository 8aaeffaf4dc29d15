import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { kafkaClassPath } from "../harness/external.ts";
import { kafkaTool } from "../harness/java.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";
import { ottla } from "../harness/ottla-command.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
/** Large enough for several segments of the smallest size that Apache Kafka allows. */
const LARGE_VALUES = 40;
const LARGE_VALUE_BYTES = 60_000;
const TOPIC_CONFIGS = { "segment.bytes": String(1024 * 1024), "index.interval.bytes": "200" };
/** Of late: markers have the time of day, and one that is much younger than its segment begins another. */
const START_MS = Date.now() - 600_000;
/** What Apache Kafka's tool prints where it is not content with a file. */
const COMPLAINT = /mismatch|isvalid: false|exception|error|could not/i;
/** What belongs to a log. Its topic id, and what the directory's checkpoints say, belong to the broker that it moves to. */
const LOG_FILES = /\.(log|index|timeindex|txnindex|snapshot)$|^leader-epoch-checkpoint$/;

interface SeenRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: unknown;
}

/** What one broker serves of a topic. */
interface Served {
  readonly uncommitted: SeenRecord[];
  readonly committed: SeenRecord[];
}

/** Batches of every codec, with headers and timestamps; committed and aborted transactions; several segments. */
async function fill(bootstrapServers: string, topic: string): Promise<void> {
  let serial = 0;
  const next = (value: string) => {
    const timestampMs = START_MS + 1000 * serial++;
    return {
      topic,
      partition: 0,
      key: `key-${serial % 7}`,
      value,
      headers: { serial: `${serial}`, none: null },
      timestampMs,
    };
  };
  for (const compression of CODECS) {
    await using producer = new Producer({ bootstrapServers, compression });
    await producer.send(Array.from({ length: 20 }, () => next(`plain ${compression} ${"x".repeat(50)}`)));
    await using transactional = new Producer({
      bootstrapServers,
      compression,
      transactionalId: `moved-${compression}`,
    });
    await transactional.transaction((tx) => tx.send([next(`committed ${compression}`), next("committed too")]));
    const aborted = transactional.transaction(async (tx) => {
      await tx.send([next(`aborted ${compression}`), next("aborted too")]);
      await producer.send(next("in between"));
      throw new Error("on purpose");
    });
    await expect(aborted).rejects.toThrow("on purpose");
  }
  await using producer = new Producer({ bootstrapServers });
  for (let i = 0; i < LARGE_VALUES; i++) await producer.send(next(`${i}`.padEnd(LARGE_VALUE_BYTES, ".")));
  await using last = new Producer({ bootstrapServers, transactionalId: "moved-last" });
  await last.transaction((tx) => tx.send(next("the end")));
}

async function readAll(
  bootstrapServers: string,
  topic: string,
  isolationLevel: "read_committed" | "read_uncommitted",
): Promise<SeenRecord[]> {
  await using consumer = new Consumer({ bootstrapServers, isolationLevel, autoOffsetReset: "earliest" });
  consumer.assign([{ topic, partition: 0 }]);
  const records: SeenRecord[] = [];
  for await (const { offset, timestampMs, key, value, headers } of consumer) {
    records.push({
      offset,
      timestampMs,
      key,
      value,
      headers: [...headers].map(([name, text]) => [name, String(text)]),
    });
    if (value === "the end") return records;
  }
  return records;
}

async function servedBy({ bootstrapServers }: { bootstrapServers: string }, topic: string): Promise<Served> {
  const uncommitted = await readAll(bootstrapServers, topic, "read_uncommitted");
  return { uncommitted, committed: await readAll(bootstrapServers, topic, "read_committed") };
}

async function createTopic(bootstrapServers: string, name: string): Promise<void> {
  await using admin = new Admin({ bootstrapServers });
  await admin.createTopics([{ name, partitions: 1, replicationFactor: 1, configs: TOPIC_CONFIGS }]);
}

/** Puts one partition's log in the place of another's, where both brokers have been stopped. */
async function move(from: string, to: string): Promise<void> {
  for (const name of await readdir(to)) if (LOG_FILES.test(name)) await rm(join(to, name));
  for (const name of await readdir(from)) if (LOG_FILES.test(name)) await cp(join(from, name), join(to, name));
}

async function filesOf(directory: string, suffix: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith(suffix)).map((name) => join(directory, name));
}

async function dumped(files: readonly string[], ...options: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout } = await ottla(["log", "dump", "--json", ...options, ...files]);
  expect(code).toBe(0);
  const lines = stdout.trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe.skipIf(kafkaClassPath === null)("a partition that moves between Apache Kafka and ours", () => {
  const TOPICS = ["theirs", "ours"] as const;
  let kafka: KafkaProcess;
  let broker: BrokerProcess;
  let ottlaData: string;
  /** What the broker that wrote a topic served of it. */
  const servedAsWritten = new Map<string, Served>();
  const partitionOf = (data: string, topic: string) => join(data, `${topic}-0`);

  beforeAll(async () => {
    kafka = await KafkaProcess.start();
    ottlaData = await mkdtemp(join(tmpdir(), "ottla-moved-"));
    broker = await BrokerProcess.start({ dataDirectory: ottlaData });
    for (const topic of TOPICS) for (const one of [kafka, broker]) await createTopic(one.bootstrapServers, topic);
    await fill(kafka.bootstrapServers, "theirs");
    await fill(broker.bootstrapServers, "ours");
    servedAsWritten.set("theirs", await servedBy(kafka, "theirs"));
    servedAsWritten.set("ours", await servedBy(broker, "ours"));
    await Promise.all([kafka.shutDown(), broker.stop()]);
  }, 120_000);
  afterAll(async () => {
    // Both have ended already, unless the time was too short for what comes before.
    await Promise.all([kafka?.stop(), broker?.stop()]);
    await rm(ottlaData, { recursive: true, force: true });
  });

  it("has in both what was committed and what was not", () => {
    for (const [topic, { uncommitted, committed }] of servedAsWritten) {
      const values = committed.map(({ value }) => value);
      expect(
        values.filter((value) => value?.startsWith("aborted")),
        topic,
      ).toEqual([]);
      expect(uncommitted.length - committed.length, topic).toBe(2 * CODECS.length);
      expect(uncommitted).toHaveLength(CODECS.length * 25 + LARGE_VALUES + 1);
    }
  });

  it("as Apache Kafka wrote it is understood by ottla log", { timeout: 60_000 }, async () => {
    const directory = partitionOf(kafka.logDirectory, "theirs");
    const verified = await ottla(["log", "verify", directory]);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("no damage found") });
    const logs = await filesOf(directory, ".log");
    expect(logs.length).toBeGreaterThan(1);
    const entries = await dumped(logs, "--records");
    const values = entries.filter(({ kind }) => kind === "record").map(({ value }) => value);
    // Markers are records without a value of their own.
    const written = servedAsWritten.get("theirs")!.uncommitted;
    expect(values.filter((value) => value !== undefined)).toEqual(written.map(({ value }) => value));
    const aborted = await dumped(await filesOf(directory, ".txnindex"));
    expect(aborted.filter((entry) => "firstOffset" in entry)).toHaveLength(CODECS.length);
    for (const suffix of [".index", ".timeindex", ".snapshot"]) {
      expect((await dumped(await filesOf(directory, suffix))).length, suffix).toBeGreaterThan(0);
    }
  });

  it("as ours wrote it is read by Apache Kafka's DumpLogSegments, its aborted transactions too", {
    timeout: 120_000,
  }, async () => {
    const directory = partitionOf(ottlaData, "ours");
    const suffixes = [".log", ".index", ".timeindex", ".txnindex", ".snapshot"];
    const files = (await Promise.all(suffixes.map((suffix) => filesOf(directory, suffix)))).flat();
    const dump = await kafkaTool("org.apache.kafka.tools.DumpLogSegments", ["--files", files.join(",")]);
    const { code, stdout, stderr } = dump;
    expect({ code, complaint: COMPLAINT.exec(stdout + stderr)?.[0] }).toEqual({ code: 0, complaint: undefined });
    const entries = [
      ...stdout.matchAll(/producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+) lastStableOffset: (\d+)/g),
    ];
    const ours = await dumped(await filesOf(directory, ".txnindex"));
    const fields = ["producerId", "firstOffset", "lastOffset", "lastStableOffset"];
    const aborted = ours
      .filter((entry) => "firstOffset" in entry)
      .map((entry) => fields.map((name) => `${entry[name]}`));
    expect(entries.map((entry) => entry.slice(1))).toEqual(aborted);
    expect(aborted).toHaveLength(CODECS.length);
  });

  it("is served by ours as Apache Kafka served it", { timeout: 60_000 }, async () => {
    await move(partitionOf(kafka.logDirectory, "theirs"), partitionOf(ottlaData, "theirs"));
    await using broker = await BrokerProcess.start({ dataDirectory: ottlaData });
    expect(await servedBy(broker, "theirs")).toEqual(servedAsWritten.get("theirs"));
    // It goes on where the other has ended.
    await using producer = new Producer({ bootstrapServers: broker.bootstrapServers });
    const { offset } = await producer.send({ topic: "theirs", partition: 0, value: "more" });
    expect(offset).toBe(servedAsWritten.get("theirs")!.uncommitted.at(-1)!.offset + 2);
  });

  it("is served by Apache Kafka as ours served it", { timeout: 90_000 }, async () => {
    await move(partitionOf(ottlaData, "ours"), partitionOf(kafka.logDirectory, "ours"));
    await kafka.startAgain();
    expect(await servedBy(kafka, "ours")).toEqual(servedAsWritten.get("ours"));
    await using producer = new Producer({ bootstrapServers: kafka.bootstrapServers });
    const { offset } = await producer.send({ topic: "ours", partition: 0, value: "more" });
    expect(offset).toBe(servedAsWritten.get("ours")!.uncommitted.at(-1)!.offset + 2);
  });

  it("is said to be damaged, what and where, with exit code 1", { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), "ottla-damaged-"));
    const partition = partitionOf(directory, "theirs");
    await cp(partitionOf(kafka.logDirectory, "theirs"), partition, { recursive: true });
    const damage = async (name: string, at: number) => {
      const path = join(partition, name);
      const content = await readFile(path);
      content[at]! ^= 1;
      await writeFile(path, content);
    };
    await damage("00000000000000000000.log", 100);
    await damage("00000000000000000000.index", 7);
    await damage("00000000000000000000.txnindex", 9);
    const { code, stdout, stderr } = await ottla(["log", "verify", directory]);
    expect(code).toBe(1);
    const said = stdout + stderr;
    expect(said).toMatch(/theirs-0\/0{20}\.log at byte 0: the batch's CRC is 0x[0-9a-f]+, its header says 0x[0-9a-f]+/);
    expect(said).toMatch(/theirs-0\/0{20}\.index at byte 0: no good batch begins at position \d+/);
    expect(said).toMatch(
      /theirs-0\/0{20}\.txnindex at byte 0: the batch with offset \d+ aborts no transaction of producer \d+/,
    );
    expect(said).toMatch(/\d+ damages found/);
    await rm(directory, { recursive: true, force: true });
  });
});
