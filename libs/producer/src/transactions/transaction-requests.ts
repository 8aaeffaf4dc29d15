import type { ClusterClient, RequestTarget } from "@ottla/client/internal";
import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  apiVersionsApi,
  ErrorCode,
  endTxnApi,
  errorByCode,
  initProducerIdApi,
  KafkaError,
  txnOffsetCommitApi,
} from "@ottla/protocol";
import type { TransactionGroup, TransactionOffset, TransactionOffsets } from "./transaction-offsets.ts";

/** A producer as the coordinator knows it. */
export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Partitions by topic. */
export type PartitionsByTopic = ReadonlyMap<string, ReadonlySet<number>>;

/** How one exchange may be cut short. */
export interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** `transaction.version` from which on partitions join transactions by being written to, and each end bumps the epoch. */
const V2_LEVEL = 2;
/** The last versions of each API that mean the same as before transactions v2. */
const V1_VERSIONS = { addPartitions: 3, offsetCommit: 4, end: 4 } as const;

/** What a transactional producer asks coordinators. Each request is sent again until it is answered for good. */
export class TransactionRequests {
  readonly #client: ClusterClient;
  readonly #transactionalId: string;
  readonly #transactionTimeoutMs: number;
  readonly #coordinator: RequestTarget;

  constructor(client: ClusterClient, transactionalId: string, transactionTimeoutMs: number) {
    this.#client = client;
    this.#transactionalId = transactionalId;
    this.#transactionTimeoutMs = transactionTimeoutMs;
    this.#coordinator = { transactionalId };
  }

  /** Whether the cluster has gone over to transactions v2 (KIP-890). */
  async isV2(options: ExchangeOptions): Promise<boolean> {
    const { software } = this.#client;
    const body = (version: number) => (version >= 3 ? software : {});
    const { finalizedFeatures } = await this.#client.ask(this.#coordinator, apiVersionsApi, body, options);
    const level = finalizedFeatures.find(({ name }) => name === "transaction.version")?.maxVersionLevel ?? 0;
    return level >= V2_LEVEL;
  }

  /**
   * Gets an id and epoch, after whatever was left open by an earlier producer has been aborted.
   * @param current what the producer has, to go on to the next epoch; null to begin, which fences all others
   */
  async initProducerId(current: ProducerIdAndEpoch | null, options: ExchangeOptions): Promise<ProducerIdAndEpoch> {
    const { producerId = -1, producerEpoch = -1 } = current ?? {};
    const request = {
      transactionalId: this.#transactionalId,
      transactionTimeoutMs: this.#transactionTimeoutMs,
      producerId,
      producerEpoch,
    };
    return await this.#client.ask(this.#coordinator, initProducerIdApi, request, options);
  }

  async addPartitions(
    { producerId, producerEpoch }: ProducerIdAndEpoch,
    partitions: PartitionsByTopic,
    options: ExchangeOptions,
  ): Promise<void> {
    const request = {
      v3AndBelowTransactionalId: this.#transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [...partitions].map(([name, indexes]) => ({ name, partitions: [...indexes] })),
    };
    await this.#client.ask(this.#coordinator, addPartitionsToTxnApi, request, {
      ...options,
      maxVersion: V1_VERSIONS.addPartitions,
      errorOf: ({ resultsByTopicV3AndBelow }) =>
        decisive(
          resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
            resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
          ),
        ),
    });
  }

  async addOffsets(
    { producerId, producerEpoch }: ProducerIdAndEpoch,
    groupId: string,
    options: ExchangeOptions,
  ): Promise<void> {
    const request = { transactionalId: this.#transactionalId, producerId, producerEpoch, groupId };
    await this.#client.ask(this.#coordinator, addOffsetsToTxnApi, request, options);
  }

  async commitOffsets(
    { producerId, producerEpoch }: ProducerIdAndEpoch,
    { group, offsets }: TransactionOffsets,
    isV2: boolean,
    options: ExchangeOptions,
  ): Promise<void> {
    const common = { transactionalId: this.#transactionalId, groupId: group.groupId, producerId, producerEpoch };
    const topics = topicsOf(offsets);
    const body = (version: number) => ({ ...common, ...membership(group, version), topics });
    await this.#client.ask({ group: group.groupId }, txnOffsetCommitApi, body, {
      ...options,
      ...(isV2 ? {} : { maxVersion: V1_VERSIONS.offsetCommit }),
      errorOf: (answer) =>
        decisive(answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))),
    });
  }

  /** Ends the transaction. @returns the id and epoch to go on with; null before transactions v2: the same as before */
  async end(
    { producerId, producerEpoch }: ProducerIdAndEpoch,
    committed: boolean,
    isV2: boolean,
    options: ExchangeOptions,
  ): Promise<ProducerIdAndEpoch | null> {
    const request = { transactionalId: this.#transactionalId, producerId, producerEpoch, committed };
    const versions = isV2 ? {} : { maxVersion: V1_VERSIONS.end };
    const response = await this.#client.ask(this.#coordinator, endTxnApi, request, { ...options, ...versions });
    return response.producerId >= 0 ? response : null;
  }
}

/** KIP-447: before version 3 a request cannot say who commits. */
function membership({ memberId, generationId, groupInstanceId }: TransactionGroup, version: number) {
  if (version >= 3) return { memberId, generationId, groupInstanceId };
  if (memberId === "") return {};
  const what = "The broker is too old for a consumer's offsets in a transaction (KIP-447)";
  throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION, what);
}

function topicsOf(offsets: readonly TransactionOffset[]) {
  const byTopic = new Map<string, TransactionOffset[]>();
  for (const offset of offsets) {
    const known = byTopic.get(offset.topic);
    if (known === undefined) byTopic.set(offset.topic, [offset]);
    else known.push(offset);
  }
  return [...byTopic].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, offset, leaderEpoch = -1, metadata = "" }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: metadata,
    })),
  }));
}

/** The error code that decides: one that trying again does not heal, else any; of those the first. */
function decisive(errorCodes: readonly number[]): number {
  const errors = errorCodes.filter((errorCode) => errorCode !== ErrorCode.NONE);
  const others = errors.filter((errorCode) => errorCode !== ErrorCode.OPERATION_NOT_ATTEMPTED);
  return others.find((errorCode) => !errorByCode(errorCode).retriable) ?? others[0] ?? errors[0] ?? ErrorCode.NONE;
}
