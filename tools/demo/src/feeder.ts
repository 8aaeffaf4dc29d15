import type { Admin } from "@ottla/admin";
import type { Producer } from "@ottla/producer";
import type { Feed } from "./feeds/feed.ts";

/** Sends each feed's records at the feed's own pace until `signal` aborts. Rejects when a feed fails. */
export async function runFeeds(
  feeds: readonly Feed[],
  clients: { readonly producer: Producer; readonly admin: Admin },
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(feeds.map((feed) => runFeed(feed, clients, signal)));
}

async function runFeed(
  feed: Feed,
  { producer, admin }: { readonly producer: Producer; readonly admin: Admin },
  signal: AbortSignal,
): Promise<void> {
  let position = await recordCount(admin, feed);
  while (!signal.aborted) {
    const records = await feed.next(position);
    position += records.length;
    await producer.send(records.map((record) => ({ topic: feed.topic, ...record })));
    await pause(feed.intervalMs, signal);
  }
}

/** How many records the topic was ever given: where a replay goes on. */
async function recordCount(admin: Admin, feed: Feed): Promise<number> {
  const partitions = Array.from({ length: feed.partitions }, (_, partition) => ({ topic: feed.topic, partition }));
  const offsets = await admin.listOffsets(partitions.map((partition) => ({ ...partition, spec: "latest" as const })));
  return offsets.reduce((sum, { offset }) => sum + offset, 0);
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener("abort", done);
  });
}
