import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";

/** Writes an invoice for each order, until it is closed. */
export async function startInvoicing(bootstrapServers: string) {
  const producer = new Producer({ bootstrapServers, compression: "lz4" });
  const consumer = new Consumer({
    bootstrapServers,
    groupId: "invoicing",
    topics: ["orders"],
    autoOffsetReset: "earliest",
  });
  const options = {
    concurrency: 16, // orders of one customer stay in order; those of different customers go side by side
    orderBy: "key",
    retry: { retries: 2, backoffMs: 50 },
    deadLetter: { topic: "orders.failed", producer }, // so that one bad order holds up nobody
  } as const;
  const running = consumer.run(options, async ({ key, value }) => {
    const { amount } = JSON.parse(value ?? "") as { amount: number };
    await producer.send({ topic: "invoices", key, value: JSON.stringify({ customer: key, total: amount * 1.2 }) });
  });
  return {
    /** Settles when it ends by itself: with what it failed with. */
    running,
    async close() {
      await consumer.close(); // commits what is done, leaves the group
      await running;
      await producer.close(); // sends what is left
    },
  };
}
