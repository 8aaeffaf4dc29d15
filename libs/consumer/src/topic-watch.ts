import type { ClusterClient } from "@ottla/client/internal";
import type { Timer } from "@ottla/runtime";
import type { Subscription } from "./group/subscription.ts";

/** A topic that does not exist (yet) is looked for after this time, then after twice as long, and so on. */
const FIRST_LOOK_MS = 250;
/** The longest time between two looks. Kafka's clients wait for `metadata.max.age.ms`. */
const LAST_LOOK_MS = 4_000;

/** Keeps the topics that a consumer reads in its metadata, and notices soon when one comes into being. */
export class TopicWatch {
  readonly #client: ClusterClient;
  readonly #unsubscribe: () => void;
  #untrackAll: (() => void) | undefined;
  #topics: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #lookDelayMs = FIRST_LOOK_MS;

  constructor(client: ClusterClient) {
    this.#client = client;
    this.#unsubscribe = client.metadata.onChange(() => this.#onView());
  }

  /** Watches exactly what is subscribed to from now on; a pattern needs all topics of the cluster to be known. */
  watch(subscription: Subscription): void {
    this.#untrackAll?.();
    this.#untrackAll = undefined;
    if (subscription.pattern !== undefined) {
      this.#untrackAll = this.#client.metadata.trackAll();
      this.#client.metadata.requestRefresh();
    }
    const next = new Set(subscription.names);
    this.#client.metadata.untrack([...this.#topics].filter((topic) => !next.has(topic)));
    this.#client.metadata.track(next);
    this.#topics = next;
    this.#lookDelayMs = FIRST_LOOK_MS;
    this.#onView();
  }

  close(): void {
    this.#unsubscribe();
    this.#timer?.cancel();
  }

  #onView(): void {
    const { topics } = this.#client.metadata.view;
    const isMissing = [...this.#topics].some((topic) => !topics.has(topic));
    if (isMissing) this.#lookLater();
    else this.#stopLooking();
  }

  #lookLater(): void {
    this.#timer ??= this.#client.runtime.timers.schedule(this.#lookDelayMs, () => {
      this.#timer = undefined;
      this.#lookDelayMs = Math.min(this.#lookDelayMs * 2, LAST_LOOK_MS);
      this.#client.metadata.requestRefresh();
      this.#lookLater();
    });
  }

  #stopLooking(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lookDelayMs = FIRST_LOOK_MS;
  }
}
