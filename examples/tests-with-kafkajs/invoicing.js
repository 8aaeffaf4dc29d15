import { Kafka, logLevel, Partitioners } from "kafkajs";

/** A service as one writes it with kafkajs: nothing in it knows of tests, or of Ottla. */
export async function startInvoicing(brokers) {
  const kafka = new Kafka({ brokers, clientId: "invoicing", logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: "invoicing", maxWaitTimeInMs: 100 });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      await producer.send({ topic: "invoices", messages: [{ key, value: `invoice of ${value}` }] });
    },
  });
  return { close: () => Promise.all([consumer.disconnect(), producer.disconnect()]) };
}
