import { type ClusterClient, isRetriable, sleep, toKafkaError } from "@ottla/client/internal";
import type { KafkaError } from "@ottla/protocol";
import { noOffset, offsetOutOfRange, unknownTopic } from "../errors.ts";
import type { ConsumerEvents } from "../events.ts";
import type { ConsumerSettings } from "../options.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import { currentLeaderEpoch } from "../partitions/leader-epoch.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import { partitionKey } from "../topic-partition.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "./list-offsets.ts";
import type { OffsetAndTimestamp } from "./offset-types.ts";
import { unknownTopics } from "./unknown-topics.ts";

/** Who hears of positions. */
export interface PositionListener {
  /** Some partitions have a position now. */
  onFound(): void;
  onReset(event: ConsumerEvents["reset"]): void;
  onHistoryLost(event: ConsumerEvents["historyLost"]): void;
  onTrouble(operation: string, error: KafkaError): void;
  onRecovered(operation: string): void;
  /** An error that trying again does not heal. */
  onFailure(error: KafkaError): void;
}

const OPERATION = "finding positions";

/**
 * Finds where to begin in partitions that have no position: at the committed offset, else where `autoOffsetReset`
 * says. Goes on until all have one.
 */
export class PositionFinder<K, V> {
  readonly #client: ClusterClient;
  readonly #settings: ConsumerSettings<K, V>;
  readonly #partitions: AssignedPartitions<K, V>;
  readonly #committed: CommittedOffsets | undefined;
  readonly #listener: PositionListener;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  /** @param committed undefined without a group: nothing is committed then */
  constructor(
    client: ClusterClient,
    settings: ConsumerSettings<K, V>,
    partitions: AssignedPartitions<K, V>,
    committed: CommittedOffsets | undefined,
    listener: PositionListener,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#partitions = partitions;
    this.#committed = committed;
    this.#listener = listener;
  }

  /** Finds all positions that are missing; settles when they are there, or when finding them has failed. */
  async find(): Promise<void> {
    while (this.#missing().length > 0 && !this.#closing.signal.aborted) {
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
      if (
        !(await this.#running.then(
          () => true,
          () => false,
        ))
      )
        return;
    }
  }

  close(): void {
    this.#closing.abort();
  }

  #missing(): PartitionState<K, V>[] {
    return [...this.#partitions].filter((state) => state.source !== undefined);
  }

  async #run(): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        await this.#findOnce();
        return this.#listener.onRecovered(OPERATION);
      } catch (cause) {
        const error = toKafkaError(cause);
        if (this.#closing.signal.aborted) throw error;
        if (!isRetriable(error)) {
          this.#listener.onFailure(error);
          throw error;
        }
        this.#listener.onTrouble(OPERATION, error);
        await sleep(this.#client.runtime, this.#client.retryBackoffMs(failures), this.#closing.signal);
      }
    }
  }

  /** @throws KafkaError retriable, after the others were found, if some topics are not (yet) known */
  async #findOnce(): Promise<void> {
    const missing = this.#missing();
    const deadline = this.#client.deadline("Finding positions", { signal: this.#closing.signal });
    const unknown = await unknownTopics(
      this.#client,
      missing.map(({ topic }) => topic),
      deadline,
    );
    const findable = missing.filter(({ topic }) => !unknown.has(topic));
    await this.#takeCommitted(findable.filter((state) => state.source === "committed"));
    await this.#takeReset(findable.filter((state) => state.source !== undefined));
    if (findable.length > 0) this.#listener.onFound();
    for (const topic of unknown) throw unknownTopic(topic);
  }

  /** Partitions without a committed offset are left to the policy. */
  async #takeCommitted(states: readonly PartitionState<K, V>[]): Promise<void> {
    const versions = new Map(states.map((state) => [state, state.version]));
    const { signal } = this.#closing;
    const offsets = (await this.#committed?.fetch(states, { signal })) ?? [];
    const found = new Map(offsets.map((offset) => [partitionKey(offset.topic, offset.partition), offset]));
    for (const state of states) {
      if (state.version !== versions.get(state)) continue;
      const committed = found.get(partitionKey(state.topic, state.partition));
      if (committed === undefined) state.findPosition("policy");
      else {
        state.seek(committed);
        state.markCommitted(committed.offset);
      }
    }
  }

  async #takeReset(states: readonly PartitionState<K, V>[]): Promise<void> {
    if (states.length === 0) return;
    await this.#refuseWithoutPolicy(states);
    const versions = states.map((state) => state.version);
    const offsets = await this.#lookUp(states, (state) => this.#timestampFor(state));
    // Where no record is as young as asked for, reading begins with the next one to come.
    const none = states.filter((_, index) => offsets[index]!.offset < 0);
    const ends = await this.#lookUp(none, () => LATEST_TIMESTAMP);
    const endOf = new Map(none.map((state, index) => [state, ends[index]!]));
    states.forEach((state, index) => {
      if (state.version === versions[index]) this.#reset(state, endOf.get(state) ?? offsets[index]!);
    });
  }

  async #lookUp(
    states: readonly PartitionState<K, V>[],
    timestampFor: (state: PartitionState<K, V>) => number,
  ): Promise<OffsetAndTimestamp[]> {
    const queries = states.map((state) => ({
      topic: state.topic,
      partition: state.partition,
      timestampMs: timestampFor(state),
    }));
    const deadline = this.#client.deadline("Finding the ends of partitions", { signal: this.#closing.signal });
    return await listOffsets(this.#client, queries, this.#settings.isolationLevel, deadline);
  }

  #timestampFor({ source }: PartitionState<K, V>): number {
    const where = source === "policy" ? this.#settings.autoOffsetReset : source;
    if (where === "earliest") return EARLIEST_TIMESTAMP;
    if (typeof where !== "object") return LATEST_TIMESTAMP;
    return Math.max(0, Math.floor(this.#client.runtime.clock.nowMs() - where.byDurationMs));
  }

  async #refuseWithoutPolicy(states: readonly PartitionState<K, V>[]): Promise<void> {
    const refused = states.filter(({ source }) => source === "policy" && this.#settings.autoOffsetReset === "none");
    const outOfRange = refused.find((state) => state.refusedOffset !== null);
    if (outOfRange !== undefined) await this.#refuseOutOfRange(outOfRange, outOfRange.refusedOffset!);
    if (refused.length > 0) throw noOffset(refused);
  }

  async #refuseOutOfRange(state: PartitionState<K, V>, fromOffset: number): Promise<never> {
    const [beginning] = await this.#lookUp([state], () => EARLIEST_TIMESTAMP);
    const [end] = await this.#lookUp([state], () => LATEST_TIMESTAMP);
    const toOffset = fromOffset < beginning!.offset ? beginning!.offset : end!.offset;
    const { topic, partition } = state;
    this.#listener.onHistoryLost({ topic, partition, reason: "outOfRange", fromOffset, toOffset });
    throw offsetOutOfRange(state, fromOffset, toOffset);
  }

  #reset(
    state: PartitionState<K, V>,
    { offset, leaderEpoch }: { readonly offset: number; readonly leaderEpoch: number },
  ) {
    const { topic, partition, refusedOffset, source } = state;
    state.seek({ offset, leaderEpoch });
    state.markValid(currentLeaderEpoch(this.#client, state)); // the leader itself has just said so
    if (source !== "policy") return;
    const reason = refusedOffset === null ? "noCommittedOffset" : "outOfRange";
    if (reason === "outOfRange") {
      this.#listener.onHistoryLost({ topic, partition, reason, fromOffset: refusedOffset!, toOffset: offset });
    }
    this.#listener.onReset({ topic, partition, reason, fromOffset: refusedOffset, toOffset: offset });
  }
}
