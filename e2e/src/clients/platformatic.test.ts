import "../harness/with-resolvers.ts";
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";

/** The codecs it has without another package on Node.js 20; zstd comes with later versions of Node.js. */
const CODECS = ["none", "gzip", "snappy", "lz4"] as const;

describe("@platformatic/kafka", () => {
  let broker: BrokerProcess;
  let base: { clientId: string; bootstrapBrokers: string[] };

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    base = { clientId: "platformatic-e2e", bootstrapBrokers: [broker.bootstrapServers] };
  });
  afterAll(() => broker?.stop());

  it("creates, lists and deletes topics", async () => {
    const admin = new Admin(base);
    const created = await admin.createTopics({ topics: ["platformatic-a"], partitions: 3, replicas: 1 });
    expect(created).toMatchObject([{ name: "platformatic-a", partitions: 3 }]);
    expect(await admin.listTopics()).toContain("platformatic-a");
    await admin.deleteTopics({ topics: ["platformatic-a"] });
    expect(await admin.listTopics()).not.toContain("platformatic-a");
    await admin.close();
  });

  for (const compression of CODECS) {
    it(`produces with ${compression} and reads it back in a group`, async () => {
      const topic = `platformatic-${compression}`;
      const admin = new Admin(base);
      await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
      const producer = new Producer({ ...base, serializers: stringSerializers, idempotent: compression !== "none" });
      const sent = Array.from({ length: 200 }, (_, i) => ({
        topic,
        key: `k${i % 7}`,
        value: `${"v".repeat(50)}-${i}`,
      }));
      const acks = ProduceAcks.ALL;
      await producer.send({ messages: sent.slice(0, 100), compression, acks });
      await producer.send({ messages: sent.slice(100), compression, acks });
      await producer.close();

      const consumer = new Consumer({ ...base, groupId: `group-${topic}`, deserializers: stringDeserializers });
      const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxWaitTime: 100 });
      const received: string[] = [];
      for await (const message of stream) {
        received.push(message.value);
        if (received.length === sent.length) break;
      }
      expect(received.sort()).toEqual(sent.map((message) => message.value).sort());
      await consumer.close(true);
      const groups = await admin.listGroups();
      expect([...groups.keys()]).toContain(`group-${topic}`);
      await admin.close();
    });
  }
});
