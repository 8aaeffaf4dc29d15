import { readDataset } from "./datasets.ts";
import type { Feed, FeedRecord } from "./feed.ts";

interface Flight {
  /** Minutes; negative when it arrived early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  /** Hour of departure, with minutes as a fraction. */
  readonly time: number;
}

const RECORDS_PER_INTERVAL = 12;

/** Real flights in order of departure, about a hundred each second, without a key: the partitioner spreads them. */
export async function flights(): Promise<Feed> {
  const records = (await readDataset<Flight[]>("flights-200k.json")).map(toRecord);
  return {
    topic: "demo.flights",
    partitions: 3,
    intervalMs: 120,
    next: (position) =>
      Array.from({ length: RECORDS_PER_INTERVAL }, (_, i) => records[(position + i) % records.length]!),
  };
}

function toRecord({ delay, distance, time }: Flight): FeedRecord {
  const value = JSON.stringify({ departureHour: time, distanceMiles: distance, delayMinutes: delay });
  return { key: null, value };
}
