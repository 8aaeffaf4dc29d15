import { readdir } from "node:fs/promises";
import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { seededRandom } from "@ottla/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ottla } from "../harness/ottla-command.ts";

/** Neither codec makes much less of it, so the batch is a large one. */
const VALUE = seededRandom(1).fill(new Uint8Array(300_000));

describe("a topic that wants its records compressed by another codec", () => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await BrokerProcess.start({});
  });
  afterAll(() => broker.stop());

  const threads = async () => (await readdir(`/proc/${broker.child.pid}/task`)).length;

  it("has large batches compressed in a thread of their own, which also says what is wrong with them", async () => {
    const { bootstrapServers } = broker;
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([
      { name: "anew", partitions: 1, configs: { "compression.type": "gzip" } },
      { name: "keyed", partitions: 1, configs: { "compression.type": "gzip", "cleanup.policy": "compact" } },
    ]);
    await using producer = new Producer({ bootstrapServers, compression: "lz4" });
    await producer.send({ topic: "anew", value: "small" });
    const before = process.platform === "linux" ? await threads() : 0;
    await producer.send({ topic: "anew", value: VALUE });
    if (process.platform === "linux") expect(await threads()).toBeGreaterThan(before);
    await expect(producer.send({ topic: "keyed", value: VALUE })).rejects.toMatchObject({ code: "INVALID_RECORD" });
    await producer.send({ topic: "keyed", key: "k", value: VALUE });

    await using consumer = new Consumer({ bootstrapServers });
    for (const [topic, sizes] of [
      ["anew", [5, VALUE.length]],
      ["keyed", [VALUE.length]],
    ] as const) {
      consumer.assign([{ topic, partition: 0 }]);
      consumer.seek({ topic, partition: 0 }, 0);
      const read: number[] = [];
      for await (const { valueBytes } of consumer) {
        read.push(valueBytes?.length ?? -1);
        if (read.length === sizes.length) break;
      }
      expect(read).toEqual(sizes);
      const dump = await ottla(["log", "dump", `${broker.dataDirectory}/${topic}-0/00000000000000000000.log`]);
      expect(dump.stdout.match(/gzip/g)?.length).toBe(sizes.length);
      expect(dump.stdout).not.toMatch(/lz4/);
    }
  });
});
