import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ottla } from "../harness/ottla-command.ts";

const KEYS = 50;
const ROUNDS = 40;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function readAll(
  bootstrapServers: string,
  topic: string,
): Promise<{ key: string; value: string; offset: number }[]> {
  await using consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
  consumer.assign([{ topic, partition: 0 }]);
  const { offset: endOffset } = (await consumer.endOffsets([{ topic, partition: 0 }]))[0]!;
  const records: { key: string; value: string; offset: number }[] = [];
  for await (const { key, value, offset } of consumer) {
    records.push({ key: String(key), value: String(value), offset });
    if (offset >= endOffset - 1) break;
  }
  return records;
}

describe("a compacted topic on disk", () => {
  it("keeps the latest value of each key, in a thread of its own, and comes back the same", {
    timeout: 60_000,
  }, async () => {
    const args = ["--set", "log.cleaner.backoff.ms=100", "--set", "log.cleaner.min.cleanable.ratio=0.01"];
    const dataDirectory = await mkdtemp(join(tmpdir(), "ottla-compaction-"));
    const broker = await BrokerProcess.start({ dataDirectory, args });
    const { bootstrapServers } = broker;
    await using admin = new Admin({ bootstrapServers });
    const configs = { "cleanup.policy": "compact", "segment.ms": "100", "compression.type": "lz4" };
    await admin.createTopics([{ name: "latest", partitions: 1, configs }]);
    await using producer = new Producer({ bootstrapServers });
    for (let round = 0; round < ROUNDS; round++) {
      const records = Array.from({ length: KEYS }, (_, key) => ({
        topic: "latest",
        key: `key-${key}`,
        value: `${key}-${round}`,
      }));
      await producer.send(records);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // The active segment is never compacted: one more record, later, begins another one.
    await new Promise((resolve) => setTimeout(resolve, 150));
    await producer.send({ topic: "latest", key: "last", value: "last" });
    await until(() => /log compacted/.test(broker.output));
    const lines = broker.output.split("\n").filter((line) => line.includes("log compacted"));
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ thread: expect.stringMatching(/^log-cleaner-[1-9]/) });
    await until(async () => (await readAll(bootstrapServers, "latest")).length === KEYS + 1);

    const records = await readAll(bootstrapServers, "latest");
    const values = new Map(records.map(({ key, value }) => [key, value]));
    for (let key = 0; key < KEYS; key++) expect(values.get(`key-${key}`)).toBe(`${key}-${ROUNDS - 1}`);
    expect(records.at(-1)).toEqual({ key: "last", value: "last", offset: KEYS * ROUNDS });
    expect(broker.output).not.toMatch(/"level":50|ERROR/);
    await broker.stop();
    const directory = join(dataDirectory, "latest-0");
    expect((await readdir(directory)).filter((name) => /\.(cleaned|swap)$/.test(name))).toEqual([]);
    expect((await ottla(["log", "verify", directory])).code).toBe(0);
    await using again = await BrokerProcess.start({ dataDirectory, args });
    expect(await readAll(again.bootstrapServers, "latest")).toEqual(records);
  });
});
