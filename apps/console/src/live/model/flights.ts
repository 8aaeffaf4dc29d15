import { asNumber, parseObject } from "./json.ts";

/** A flight as it is drawn. */
export interface Flight {
  readonly distanceMiles: number;
  /** Below zero when it arrived early. */
  readonly delayMinutes: number;
}

/** How many are in the picture at once. */
const KEPT = 6_000;

/** As the airlines count: later than this is late. */
export const LATE_MINUTES = 15;

/** The flights read last. */
export class Flights {
  #list: Flight[] = [];
  #count = 0;
  #late = 0;
  #departureHour = 0;

  get list(): readonly Flight[] {
    return this.#list;
  }

  get count(): number {
    return this.#count;
  }

  /** When the flight read last departed: `6:45`. The replay goes through a day. */
  get departureTime(): string {
    const minutes = Math.round(this.#departureHour * 60);
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  }

  /** How much of all flights was late, from 0 to 1. */
  get lateShare(): number {
    return this.#count === 0 ? 0 : this.#late / this.#count;
  }

  accept(value: string | null): void {
    const data = parseObject(value);
    const distanceMiles = asNumber(data?.distanceMiles);
    const delayMinutes = asNumber(data?.delayMinutes);
    if (distanceMiles === undefined || delayMinutes === undefined) return;
    this.#departureHour = asNumber(data?.departureHour) ?? this.#departureHour;
    this.#count++;
    if (delayMinutes > LATE_MINUTES) this.#late++;
    this.#list.push({ distanceMiles, delayMinutes });
    if (this.#list.length > KEPT * 2) this.#list = this.#list.slice(-KEPT);
  }
}
