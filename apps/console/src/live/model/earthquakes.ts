import { asNumber, parseObject } from "./json.ts";

/** An earthquake as it is drawn. */
export interface Earthquake {
  readonly id: string;
  readonly longitude: number;
  readonly latitude: number;
  readonly magnitude: number;
  readonly depthKm: number;
  readonly place: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly time: number;
  /** When it was written to the topic, on the page's own clock (`performance.now`). */
  readonly writtenAtMs: number;
}

/** How many are on the map at once. */
const KEPT = 400;

/** The earthquakes read last. */
export class Earthquakes {
  #list: Earthquake[] = [];
  #count = 0;

  /** Oldest first. */
  get list(): readonly Earthquake[] {
    return this.#list;
  }

  /** How many were read in all. */
  get count(): number {
    return this.#count;
  }

  /** Takes in a record's value; one that is no earthquake is passed over. */
  accept(value: string | null, writtenAtMs: number): void {
    const earthquake = readEarthquake(value, writtenAtMs);
    if (earthquake === undefined) return;
    this.#count++;
    this.#list.push(earthquake);
    if (this.#list.length > KEPT) this.#list = this.#list.slice(-KEPT);
  }
}

function readEarthquake(value: string | null, writtenAtMs: number): Earthquake | undefined {
  const data = parseObject(value);
  const longitude = asNumber(data?.longitude);
  const latitude = asNumber(data?.latitude);
  if (data === undefined || longitude === undefined || latitude === undefined) return undefined;
  return {
    id: String(data.id),
    longitude,
    latitude,
    magnitude: asNumber(data.magnitude) ?? 0,
    depthKm: asNumber(data.depthKm) ?? 0,
    place: typeof data.place === "string" ? data.place : "somewhere",
    time: asNumber(data.time) ?? 0,
    writtenAtMs,
  };
}
