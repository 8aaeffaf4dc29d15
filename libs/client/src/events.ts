import type { KafkaError } from "@ottla/protocol/client";
import { describe, invalidArgument } from "./errors.ts";

/** What is tried again, by name: the events of trouble that clients have in common. */
export interface TroubleEvents {
  /** Something failed and is tried again. Restarts and moves of brokers show up here; by itself it is no cause for worry. */
  retry: { readonly operation: string; readonly error: KafkaError };
  /** What is tried again has failed for ten seconds by now: something is wrong. Told once, until it goes well again. */
  stall: { readonly operation: string; readonly error: KafkaError; readonly sinceMs: number };
  /** What was tried again went well. */
  recovered: { readonly operation: string };
}

/** A place where events are published for observers of the whole process, such as tracers. */
export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** The channel of that name; undefined where the platform has none. */
export type OpenChannel = (name: string) => DiagnosticsChannel | undefined;

/**
 * Checks what a user's `on` was given: `names` are the events that there are.
 * @throws KafkaError INVALID_ARGUMENT if there is no such event, which would never be told of, or no function
 */
export function requireEvent(names: object, name: unknown, listener: unknown): void {
  if (typeof name !== "string" || !Object.hasOwn(names, name)) {
    throw invalidArgument(
      `on takes the name of an event, and was given ${describe(name)}: ${Object.keys(names).join(", ")}.`,
    );
  }
  if (typeof listener !== "function") {
    throw invalidArgument("on takes the name of an event and a function.");
  }
}

type Listener<E> = (event: E) => void;

/**
 * Calls those who listen to an event, in the order in which they came. Where the platform has `diagnostics_channel`,
 * events are also published there.
 */
export class EventHub<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #channels = new Map<keyof Events, DiagnosticsChannel | undefined>();
  readonly #prefix: string;
  readonly #source: object;
  readonly #openChannel: OpenChannel;

  /**
   * @param prefix names of channels are made of this and the event's name
   * @param source says on a channel, which all clients of the process share, whose event it is
   */
  constructor(prefix: string, source: object, openChannel: OpenChannel) {
    this.#prefix = prefix;
    this.#source = source;
    this.#openChannel = openChannel;
  }

  /** Whether anybody listens: events that take some work to make need not be made otherwise. */
  isHeard(name: keyof Events & string): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0 || this.#channel(name)?.hasSubscribers === true;
  }

  /** Calls `listener` at each event of that name; returns how to stop that. */
  on<N extends keyof Events & string>(name: N, listener: Listener<Events[N]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<N extends keyof Events & string>(name: N, event: Events[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) call(listener as Listener<Events[N]>, event);
    const channel = this.#channel(name);
    if (channel?.hasSubscribers) channel.publish({ ...this.#source, ...event });
  }

  #channel(name: keyof Events & string): DiagnosticsChannel | undefined {
    if (!this.#channels.has(name)) this.#channels.set(name, this.#openChannel(this.#prefix + name));
    return this.#channels.get(name);
  }
}

/** What a listener throws is its own affair: it is uncaught, as anywhere else, and does not get into the works here. */
function call<E>(listener: Listener<E>, event: E): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
