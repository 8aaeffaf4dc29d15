import { readDataset } from "./datasets.ts";
import type { Feed, FeedRecord } from "./feed.ts";

/** The part of the USGS feed (GeoJSON) that is replayed. */
interface EarthquakeFeature {
  readonly id: string;
  readonly properties: { readonly mag: number | null; readonly place: string | null; readonly time: number };
  readonly geometry: { readonly coordinates: readonly [longitude: number, latitude: number, depthKm: number] };
}

const RECORDS_PER_INTERVAL = 1;

/** A week of earthquakes in the order in which they happened, a few each second, over and over. */
export async function earthquakes(): Promise<Feed> {
  const { features } = await readDataset<{ features: EarthquakeFeature[] }>("earthquakes.json");
  const records = features.sort((a, b) => a.properties.time - b.properties.time).map(toRecord);
  return {
    topic: "demo.earthquakes",
    partitions: 1,
    intervalMs: 350,
    next: (position) =>
      Array.from({ length: RECORDS_PER_INTERVAL }, (_, i) => records[(position + i) % records.length]!),
  };
}

function toRecord({ id, properties, geometry }: EarthquakeFeature): FeedRecord {
  const [longitude, latitude, depthKm] = geometry.coordinates;
  const { time, mag: magnitude, place } = properties;
  return { key: id, value: JSON.stringify({ id, time, magnitude, depthKm, latitude, longitude, place }) };
}
