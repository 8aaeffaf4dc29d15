import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { kafkaClassPath } from "../harness/external.ts";
import { JavaTools } from "../harness/java-tools.ts";
import { ottla } from "../harness/ottla-command.ts";

const TOPIC = "dumped";
const RECORDS = 300;

/** What Apache Kafka's tool prints where it is not content with a file. */
const COMPLAINT = /mismatch|isvalid: false|isValid: false|exception|error|could not/i;

describe("the files of a broker that was stopped", () => {
  let data: string;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "ottla-dump-"));
    const broker = await BrokerProcess.start({ dataDirectory: data, args: ["--set", "log.index.interval.bytes=200"] });
    const { bootstrapServers } = broker;
    await using producer = new Producer({ bootstrapServers });
    for (let i = 0; i < RECORDS; i++) await producer.send({ topic: TOPIC, value: `value-${i}` });
    await producer.close();
    const consumer = new Consumer({
      bootstrapServers,
      groupId: "dumpers",
      topics: [TOPIC],
      autoOffsetReset: "earliest",
    });
    let left = RECORDS;
    for await (const _record of consumer) if (--left === 0) break;
    await consumer.close();
    await broker.stop();
  }, 60_000);
  afterAll(() => rm(data, { recursive: true, force: true }));

  async function filesOf(directory: string, suffix: string): Promise<string[]> {
    const names = (await readdir(join(data, directory))).filter((name) => name.endsWith(suffix));
    return names.map((name) => join(data, directory, name));
  }

  async function writtenOffsetsLog(): Promise<string> {
    for (const name of (await readdir(data)).filter((name) => name.startsWith("__consumer_offsets-"))) {
      for (const file of await filesOf(name, ".log")) if ((await stat(file)).size > 0) return file;
    }
    throw new Error("no group has left anything");
  }

  it.skipIf(kafkaClassPath === null)("are read by Apache Kafka's DumpLogSegments", { timeout: 120_000 }, async () => {
    const files = (
      await Promise.all([".log", ".index", ".timeindex", ".snapshot"].map((one) => filesOf(`${TOPIC}-0`, one)))
    ).flat();
    const runs: [RegExp, string[]][] = [
      [/lastOffset: 299/, ["--files", files.join(",")]],
      [/dumpers/, ["--offsets-decoder", "--files", await writtenOffsetsLog()]],
      [
        /TOPIC_RECORD/,
        ["--cluster-metadata-decoder", "--files", (await filesOf("__cluster_metadata-0", ".log")).join(",")],
      ],
    ];
    using tools = JavaTools.start(kafkaClassPath);
    for (const [expected, args] of runs) {
      const { code, stdout, stderr } = await tools.run("org.apache.kafka.tools.DumpLogSegments", args);
      expect({ code, complaint: COMPLAINT.exec(stdout + stderr)?.[0] }).toEqual({ code: 0, complaint: undefined });
      expect(stdout).toMatch(expected);
    }
  });

  it("are read and found whole by ottla log", { timeout: 30_000 }, async () => {
    const verified = await ottla(["log", "verify", data]);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("no damage found") });
    const dumped = await ottla(["log", "dump", "--records", "--json", ...(await filesOf(`${TOPIC}-0`, ".log"))]);
    const entries = dumped.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const values = entries.filter(({ kind }) => kind === "record").map(({ value }) => value);
    expect(values).toEqual(Array.from({ length: RECORDS }, (_, i) => `value-${i}`));
  });
});
