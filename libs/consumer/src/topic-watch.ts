import type { ClusterClient } from "@ottla/client/internal";
import type { Timer } from "@ottla/runtime";

/** A topic that does not exist (yet) is looked for so often. Kafka's clients wait for `metadata.max.age.ms`. */
const MISSING_TOPIC_REFRESH_MS = 3_000;

/** Keeps the topics that a consumer reads in its metadata, and notices soon when one comes into being. */
export class TopicWatch {
  readonly #client: ClusterClient;
  readonly #unsubscribe: () => void;
  #topics: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;

  constructor(client: ClusterClient) {
    this.#client = client;
    this.#unsubscribe = client.metadata.onChange(() => this.#look());
  }

  /** Watches exactly `topics` from now on. */
  watch(topics: Iterable<string>): void {
    const next = new Set(topics);
    this.#client.metadata.untrack([...this.#topics].filter((topic) => !next.has(topic)));
    this.#client.metadata.track(next);
    this.#topics = next;
    this.#look();
  }

  close(): void {
    this.#unsubscribe();
    this.#timer?.cancel();
  }

  #look(): void {
    this.#timer?.cancel();
    const { topics } = this.#client.metadata.view;
    if ([...this.#topics].every((topic) => topics.has(topic))) return;
    this.#timer = this.#client.runtime.timers.schedule(MISSING_TOPIC_REFRESH_MS, () => {
      this.#client.metadata.requestRefresh();
      this.#look();
    });
  }
}
