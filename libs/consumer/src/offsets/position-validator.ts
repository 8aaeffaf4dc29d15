import { type ClusterClient, isStaleMetadata, toKafkaError } from "@ottla/client/internal";
import type { OffsetForLeaderEpochResponse } from "@ottla/protocol";
import { ErrorCode, KafkaError, offsetForLeaderEpochApi } from "@ottla/protocol/client";
import { currentLeaderEpoch } from "../partitions/leader-epoch.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import { formatPartition, groupByTopic } from "../topic-partition.ts";

/** Who hears of what comes of it. */
export interface ValidationListener<K, V> {
  /** The leader has what was read so far, or does not tell. */
  onValid(state: PartitionState<K, V>): void;
  /**
   * The leader's log parts from what was read: it is the same up to `divergentOffset`, undefined if it does not know.
   * The state is as before.
   */
  onTruncated(state: PartitionState<K, V>, divergent: Divergence | undefined): void;
  onFailed(state: PartitionState<K, V>, error: KafkaError): void;
}

/** Up to where two logs are the same. */
export interface Divergence {
  readonly offset: number;
  readonly leaderEpoch: number;
}

type Answer = OffsetForLeaderEpochResponse["topics"][number]["partitions"][number];

/**
 * Holds positions against the log of a new leader before more is fetched from it (KIP-320): after an unclean election
 * the log may have been cut back, and other records written where the consumer has read already.
 */
export class PositionValidator<K, V> {
  readonly #client: ClusterClient;
  readonly #listener: ValidationListener<K, V>;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<PartitionState<K, V>>();

  constructor(client: ClusterClient, signal: AbortSignal, listener: ValidationListener<K, V>) {
    this.#client = client;
    this.#signal = signal;
    this.#listener = listener;
  }

  /** Asks `leader` about those of `states` that are not asked about already. */
  validate(leader: number, states: readonly PartitionState<K, V>[]): void {
    const due = states.filter((state) => !this.#underWay.has(state));
    if (due.length > 0) void this.#ask(leader, due);
  }

  async #ask(leader: number, states: readonly PartitionState<K, V>[]): Promise<void> {
    const versions = new Map(states.map((state) => [state, state.version]));
    for (const state of states) this.#underWay.add(state);
    let answers: ReadonlyMap<PartitionState<K, V>, Answer | undefined> = new Map();
    let failure: KafkaError | undefined;
    try {
      answers = await this.#request(leader, states);
    } catch (cause) {
      failure = toKafkaError(cause);
    }
    for (const state of states) {
      this.#underWay.delete(state);
      if (this.#signal.aborted || state.version !== versions.get(state)) continue;
      if (failure !== undefined) this.#onFailure(state, failure);
      else this.#judge(state, answers.get(state));
    }
  }

  /** A broker that does not have the API cannot be asked: reading goes on as before KIP-320. */
  #onFailure(state: PartitionState<K, V>, error: KafkaError): void {
    if (error.errno === ErrorCode.UNSUPPORTED_VERSION) this.#listener.onValid(state);
    else this.#listener.onFailed(state, error);
  }

  async #request(
    leader: number,
    states: readonly PartitionState<K, V>[],
  ): Promise<ReadonlyMap<PartitionState<K, V>, Answer | undefined>> {
    const topics = [...groupByTopic(states)].map(([topic, group]) => ({
      topic,
      partitions: group.map((state) => ({
        partition: state.partition,
        currentLeaderEpoch: currentLeaderEpoch(this.#client, state),
        leaderEpoch: state.fetchEpoch,
      })),
    }));
    const options = { retry: false, signal: this.#signal };
    const response = await this.#client.ask(
      { broker: leader },
      offsetForLeaderEpochApi,
      { topics, replicaId: -1 },
      options,
    );
    const find = ({ topic, partition }: PartitionState<K, V>) =>
      response.topics.find((answer) => answer.topic === topic)?.partitions.find((p) => p.partition === partition);
    return new Map(states.map((state) => [state, find(state)]));
  }

  #judge(state: PartitionState<K, V>, answer: Answer | undefined): void {
    const errno = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (answer === undefined || errno !== ErrorCode.NONE) {
      if (isStaleMetadata(errno)) this.#client.metadata.requestRefresh();
      this.#listener.onFailed(state, KafkaError.fromCode(errno, `Checking the position in ${formatPartition(state)}`));
      return;
    }
    const { endOffset: offset, leaderEpoch } = answer;
    if (offset < 0 || leaderEpoch < 0) this.#listener.onTruncated(state, undefined);
    else if (offset < state.fetchOffset) this.#listener.onTruncated(state, { offset, leaderEpoch });
    else this.#listener.onValid(state);
  }
}
