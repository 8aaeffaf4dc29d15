import { crc32c } from "@ottla/protocol";
import type { Clock } from "@ottla/runtime";
import type { Arrival } from "./simulated-link.ts";

/** A running hash (FNV-1a) of all that happens in a world, in its order: two runs that differ in anything differ in it. */
export class Trace {
  readonly #clock: Clock;
  #hash = 0x811c9dc5;
  #messages = 0;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  arrived({ exchange: { client, server, apiName }, direction, frame }: Arrival): void {
    this.#messages++;
    this.#bytes += frame.length;
    this.note(`${client.name} ${server.name} ${apiName} ${direction} ${crc32c(frame)}`);
  }

  note(what: string): void {
    this.#add(`${this.#clock.monotonicMs()} ${what}`);
  }

  #add(text: string): void {
    for (let at = 0; at < text.length; at++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(at), 0x01000193);
  }
}
