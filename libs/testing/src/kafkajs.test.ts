import { Kafka, logLevel, Partitioners } from "kafkajs";
import { expect, it } from "vitest";
import { startTestBroker } from "./index.ts";

it("is a broker to kafkajs", async () => {
  await using broker = await startTestBroker({ topics: ["orders", "invoices"] });
  const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: "billing", maxWaitTimeInMs: 100 });
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  // What a user's service does: an invoice for each order.
  await consumer.run({
    eachMessage: async ({ message }) => {
      await producer.send({
        topic: "invoices",
        messages: [{ key: message.key, value: `invoice of ${message.value}` }],
      });
    },
  });

  await broker.produce("orders", [
    { key: "k1", value: "order 1" },
    { key: "k2", value: "order 2" },
  ]);
  expect(await broker.records("invoices", { count: 2, timeoutMs: 15_000 })).toMatchObject([
    { key: "k1", value: "invoice of order 1" },
    { key: "k2", value: "invoice of order 2" },
  ]);
  await consumer.disconnect();
  await producer.disconnect();
});
