import type { MetadataResponse } from "@ottla/protocol";
import { ErrorCode, errorByCode, KafkaError } from "@ottla/protocol/client";
import type { Runtime, Timer } from "@ottla/runtime";
import type { BrokerAddress } from "@ottla/transport";
import { type Deadline, sleep } from "../deadline.ts";
import { clientClosed, invalidTopic, isText } from "../errors.ts";
import type { ClientSettings } from "../options.ts";
import { isRetriable, retryBackoffMs } from "../retry-policy.ts";
import { type BrokerNode, type ClusterView, EMPTY_CLUSTER_VIEW, type TopicView } from "./cluster-view.ts";
import { addBrokers, applyLeaderHints, type LeaderHint, mergeMetadata } from "./merge-metadata.ts";

/** How a Metadata request is made: null asks for all topics. Rejects when no broker could answer. */
export type FetchMetadata = (
  topics: readonly string[] | null,
) => Promise<{ readonly response: MetadataResponse; readonly bootstrap: BrokerAddress }>;

/** Told of each new view, in order. Must not throw. */
export type MetadataListener = (view: ClusterView, previous: ClusterView) => void;

/**
 * What this client knows of the cluster, kept up to date: on demand, after errors that say that it is old, and every
 * `metadataMaxAgeMs`. Asks only for topics that someone cares for, in one request for all who wait.
 */
export class MetadataCache {
  #view: ClusterView = EMPTY_CLUSTER_VIEW;
  #topicErrors: ReadonlyMap<string, number> = new Map();
  readonly #topics = new Set<string>();
  #allTopicsWanted = 0;
  readonly #listeners = new Set<MetadataListener>();
  readonly #runtime: Runtime;
  readonly #settings: ClientSettings;
  readonly #fetch: FetchMetadata;
  #running: Promise<void> | null = null;
  #following: Promise<void> | null = null;
  #failures = 0;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  readonly #closing = new AbortController();

  constructor(runtime: Runtime, settings: ClientSettings, fetch: FetchMetadata) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#fetch = fetch;
  }

  /** The latest view. */
  get view(): ClusterView {
    return this.#view;
  }

  /** Calls `listener` with each new view from now on; returns how to stop that. */
  onChange(listener: MetadataListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps `topics` in the view from now on; they are there after the next refresh, which need not wait. */
  track(topics: Iterable<string>): void {
    const sizeBefore = this.#topics.size;
    for (const topic of topics) this.#topics.add(topic);
    if (this.#topics.size > sizeBefore && this.#failures === 0) this.#refreshedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** No longer keeps `topics` up to date. */
  untrack(topics: Iterable<string>): void {
    for (const topic of topics) this.#topics.delete(topic);
  }

  /** Keeps all topics of the cluster in the view, until the function returned is called. */
  trackAll(): () => void {
    this.#allTopicsWanted++;
    return () => {
      this.#allTopicsWanted--;
    };
  }

  /** Why a tracked topic is not in the view, as far as the last refresh told; 0 when it did not. */
  topicError(topic: string): number {
    return this.#topicErrors.get(topic) ?? ErrorCode.NONE;
  }

  /**
   * The topic, tracked from now on: from the view if it is there, else after as many refreshes as it takes.
   * @throws KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED and other errors that waiting does not heal,
   *   at once; REQUEST_TIMED_OUT with the last reason as its cause
   */
  async topic(name: string, deadline: Deadline): Promise<TopicView> {
    if (!isText(name)) throw invalidTopic(name);
    this.track([name]);
    for (let attempt = 1; ; attempt++) {
      const known = this.#view.topics.get(name);
      if (known !== undefined && known.partitions.length > 0) return known;
      await this.refresh(deadline);
      const errno = this.topicError(name);
      if (this.#view.topics.has(name) && errno === ErrorCode.NONE) continue;
      deadline.lastFailure = KafkaError.fromCode(errno || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic "${name}"`);
      if (errno !== ErrorCode.NONE && !errorByCode(errno).retriable) throw deadline.lastFailure;
      await deadline.sleep(this.#backoffMs(attempt));
    }
  }

  /**
   * Refreshes with a request that starts after this call; those who ask meanwhile share it. Tries again until some
   * broker answers.
   */
  async refresh(deadline: Deadline): Promise<ClusterView> {
    for (;;) {
      try {
        await deadline.race(this.#refreshAfterNow(), "No broker answered Metadata");
        return this.#view;
      } catch (error) {
        if (!isRetriable(error) || deadline.isOver) throw error;
        deadline.lastFailure = error;
      }
    }
  }

  /** Refreshes soon, because something answered as if the view were old. Never more often than the backoff allows. */
  requestRefresh(): void {
    if (!this.#isClosed) this.#refreshAfterNow().catch(() => {});
  }

  /** Takes over leaders that a response told of, so that no refresh is needed to find them (KIP-951). */
  applyLeaderHints(hints: readonly LeaderHint[], nodes: readonly BrokerNode[]): void {
    this.#replaceView(applyLeaderHints(addBrokers(this.#view, nodes), hints));
  }

  /** Makes brokers known that something else than Metadata told of (FindCoordinator). */
  addBrokers(nodes: readonly BrokerNode[]): void {
    this.#replaceView(addBrokers(this.#view, nodes));
  }

  /** Stops refreshing; nobody is told of changes any more. */
  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #refreshAfterNow(): Promise<void> {
    if (this.#isClosed) return Promise.reject(clientClosed("The client"));
    if (this.#running === null) return this.#start();
    this.#following ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#following = null;
        return this.#running ?? this.#start();
      });
    this.#following.catch(() => {});
    return this.#following;
  }

  #start(): Promise<void> {
    if (this.#isClosed) return Promise.reject(clientClosed("The client"));
    const running = this.#run().finally(() => {
      this.#running = null;
    });
    running.catch(() => {}); // those who wait hear of it; nobody has to
    this.#running = running;
    return running;
  }

  async #run(): Promise<void> {
    await this.#waitForBackoff();
    this.#timer?.cancel();
    try {
      const topics = this.#allTopicsWanted > 0 ? null : [...this.#topics];
      const { response, bootstrap } = await this.#fetch(topics);
      this.#accept(response, bootstrap, topics === null);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      throw error;
    } finally {
      this.#refreshedAtMs = this.#runtime.clock.monotonicMs();
      this.#scheduleRefresh();
    }
  }

  /** Two refreshes in a row are at least `retryBackoffMs` apart, after failures longer. */
  async #waitForBackoff(): Promise<void> {
    const waitMs = this.#refreshedAtMs + this.#backoffMs(this.#failures) - this.#runtime.clock.monotonicMs();
    if (waitMs > 0) await sleep(this.#runtime, waitMs, this.#closing.signal);
  }

  #backoffMs(failures: number): number {
    return retryBackoffMs(this.#settings, Math.max(failures, 1), this.#runtime.random);
  }

  #accept(response: MetadataResponse, bootstrap: BrokerAddress, isAllTopics: boolean): void {
    const isWanted = isAllTopics ? () => false : (topic: string) => this.#topics.has(topic);
    const { view, topicErrors } = mergeMetadata(this.#view, response, bootstrap, isWanted);
    this.#topicErrors = topicErrors;
    this.#replaceView(view);
    if ([...topicErrors.values()].includes(ErrorCode.LEADER_NOT_AVAILABLE)) this.requestRefresh();
  }

  #replaceView(view: ClusterView): void {
    const previous = this.#view;
    if (view === previous || this.#isClosed) return;
    this.#view = view;
    for (const listener of this.#listeners) listener(view, previous);
  }

  /** After a failure at once, as far as the backoff allows, if someone depends on the view; else when it is old. */
  #scheduleRefresh(): void {
    if (this.#isClosed || (this.#topics.size === 0 && this.#allTopicsWanted === 0)) return;
    const delayMs = this.#failures > 0 ? 0 : this.#settings.metadataMaxAgeMs;
    if (delayMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#runtime.timers.schedule(delayMs, () => this.requestRefresh());
  }
}
