import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import { startBroker } from "ottla";
import { runFeeds } from "./feeder.ts";
import { earthquakes } from "./feeds/earthquakes.ts";
import type { Feed } from "./feeds/feed.ts";
import { flights } from "./feeds/flights.ts";
import { machineMetrics } from "./feeds/machine-metrics.ts";
import { welcome } from "./welcome.ts";

/** Where visitors of the page write; fed by them alone. */
const NOTES_TOPIC = { topic: "demo.notes", partitions: 1 };

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

try {
  const port = Number(process.env.OTTLA_DEMO_PORT ?? 9092);
  const startedMs = performance.now();
  await using broker = await startBroker({ port, dataDirectory: process.env.OTTLA_DEMO_DATA ?? "./data" });
  const startMs = performance.now() - startedMs;
  await using admin = new Admin({ bootstrapServers: broker.bootstrapServers, clientId: "ottla-demo-admin" });
  await using producer = new Producer({
    bootstrapServers: broker.bootstrapServers,
    clientId: "ottla-demo-feeder",
    batchSize: 16_384, // so small that even this stream visits every partition within seconds
  });
  const feeds = [machineMetrics(), await earthquakes(), await flights()];
  await createTopics(admin, [...feeds, NOTES_TOPIC]);
  process.stdout.write(welcome({ port: broker.port, startMs }));
  await runFeeds(feeds, { producer, admin }, stop.signal);
  process.stdout.write("\nStopping: flushing what is in memory …\n");
} catch (error) {
  process.stderr.write(`The demo could not go on: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function createTopics(admin: Admin, topics: readonly Pick<Feed, "topic" | "partitions">[]): Promise<void> {
  const existing = new Set((await admin.listTopics()).map(({ name }) => name));
  const missing = topics.filter(({ topic }) => !existing.has(topic));
  if (missing.length > 0)
    await admin.createTopics(missing.map(({ topic, partitions }) => ({ name: topic, partitions })));
}
