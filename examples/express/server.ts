import { KafkaError, Producer } from "@ottla/producer";
import express from "express";
import { eventsOf } from "./events.ts";

/** POST /orders writes an order; GET /events tells of orders as they come. */
export function createApp(bootstrapServers: string) {
  const producer = new Producer({ bootstrapServers });
  const app = express().use(express.json());

  app.post("/orders", async (request, response) => {
    const { customer, item } = (request.body ?? {}) as { customer?: unknown; item?: unknown };
    if (typeof customer !== "string" || typeof item !== "string") {
      response.status(400).json({ error: 'Send JSON such as {"customer":"ann","item":"apples"}.' });
      return;
    }
    try {
      const { partition, offset } = await producer.send({ topic: "orders", key: customer, value: item });
      response.status(201).json({ partition, offset });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      response.status(error.retriable ? 503 : 500).json({ error: error.message });
    }
  });

  app.get("/events", async (request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.write("retry: 1000\n\n");
    try {
      for await (const { id, data } of eventsOf(
        bootstrapServers,
        "orders",
        request.get("last-event-id"),
        gone.signal,
      )) {
        const isRoom = response.write(`id: ${id}\ndata: ${data}\n\n`);
        if (!isRoom) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
      }
    } catch (error) {
      if (!gone.signal.aborted) console.error(error);
      response.end(); // the page connects again, and goes on after the last id
    }
  });

  return { app, close: () => producer.close() };
}
