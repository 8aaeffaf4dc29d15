import {
  type ApiDefinition,
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  describeTransactionsApi,
  ErrorCode,
  encodeRecordBatch,
  endTxnApi,
  initProducerIdApi,
  produceApi,
  type RequestInput,
  type ResponseOf,
  txnOffsetCommitApi,
  writeTxnMarkersApi,
} from "@ottla/protocol";
import type { BrokerConnection } from "@ottla/transport";
import { expect } from "vitest";
import { until } from "./until.ts";

export const NOBODY = { producerId: -1, producerEpoch: -1 };
const UNSETTLED: readonly number[] = [
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
];

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Speaks the protocol of transactions by hand, for one transactional id and one partition. */
export class TransactionHand {
  readonly topic: string;
  readonly id: string;
  readonly group: string;
  readonly #connection: BrokerConnection;

  constructor(connection: BrokerConnection, topic: string, id: string) {
    this.#connection = connection;
    this.topic = topic;
    this.id = id;
    this.group = `${id}-group`;
  }

  ask<A extends ApiDefinition>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.#connection.request(api, body, { version });
  }

  /** Asks again while the coordinator is busy with the transaction before, or still loading, or a new topic is led by nobody. */
  async patiently(ask: () => Promise<number>): Promise<number> {
    let errorCode: number = ErrorCode.NONE;
    await until("the transaction is settled", async () => {
      errorCode = await ask();
      return !UNSETTLED.includes(errorCode);
    });
    return errorCode;
  }

  async init(version = 5, expected: Identity = NOBODY, { id = this.id, timeoutMs = 60_000 } = {}) {
    let answer = { errorCode: 0, ...NOBODY };
    await this.patiently(async () => {
      answer = await this.ask(initProducerIdApi, version, {
        ...{ transactionalId: id, transactionTimeoutMs: timeoutMs },
        ...(version >= 3 && expected),
      });
      return answer.errorCode;
    });
    return answer;
  }

  async add({ producerId, producerEpoch }: Identity, version = 3, { id = this.id, topics = [this.topic] } = {}) {
    const { resultsByTopicV3AndBelow } = await this.ask(addPartitionsToTxnApi, version, {
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: topics.map((name) => ({ name, partitions: [0] })),
    });
    const results = resultsByTopicV3AndBelow.map(
      ({ name, resultsByPartition }) => [name, resultsByPartition[0]!.partitionErrorCode] as const,
    );
    return topics.map((topic) => new Map(results).get(topic)!);
  }

  async verify({ producerId, producerEpoch }: Identity, version: number, { id = this.id } = {}): Promise<number> {
    const { resultsByTransaction } = await this.ask(addPartitionsToTxnApi, version, {
      transactions: [
        {
          ...{ transactionalId: id, producerId, producerEpoch, verifyOnly: true },
          topics: [{ name: this.topic, partitions: [0] }],
        },
      ],
    });
    return resultsByTransaction[0]!.topicResults[0]!.resultsByPartition[0]!.partitionErrorCode;
  }

  async addOffsets({ producerId, producerEpoch }: Identity, version = 4, { id = this.id, group = this.group } = {}) {
    const request = { transactionalId: id, producerId, producerEpoch, groupId: group };
    return (await this.ask(addOffsetsToTxnApi, version, request)).errorCode;
  }

  async commitOffset(
    { producerId, producerEpoch }: Identity,
    version: number,
    { topic = this.topic, metadata = "", group = this.group, ...member }: Partial<CommitOptions> = {},
  ): Promise<number> {
    const { topics } = await this.ask(txnOffsetCommitApi, version, {
      ...{ transactionalId: this.id, groupId: group, producerId, producerEpoch },
      ...(version >= 3 && member),
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: metadata }] }],
    });
    return topics[0]!.partitions[0]!.errorCode;
  }

  async produce(identity: Identity, version: number, { id = this.id, baseSequence = 0, isTransactional = true } = {}) {
    const records = encodeRecordBatch({
      ...{ records: [{ value: "x" }], timestampMs: Date.now() },
      ...{ producerId: identity.producerId, producerEpoch: identity.producerEpoch, baseSequence, isTransactional },
    });
    const { responses } = await this.ask(produceApi, version, {
      ...{ transactionalId: isTransactional ? id : null, acks: -1, timeoutMs: 5_000 },
      topicData: [{ name: this.topic, partitionData: [{ index: 0, records }] }],
    });
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  async end({ producerId, producerEpoch }: Identity, committed: boolean, version: number, { id = this.id } = {}) {
    return await this.ask(endTxnApi, version, { transactionalId: id, producerId, producerEpoch, committed });
  }

  async mark(
    { producerId, producerEpoch }: Identity,
    { topic = this.topic, coordinatorEpoch = 0 } = {},
  ): Promise<number> {
    const topics = [{ name: topic, partitionIndexes: [0] }];
    const { markers } = await this.ask(writeTxnMarkersApi, 1, {
      markers: [{ producerId, producerEpoch, transactionResult: false, coordinatorEpoch, topics }],
    });
    return markers[0]!.topics[0]!.partitions[0]!.errorCode;
  }

  async describe(id = this.id) {
    return (await this.ask(describeTransactionsApi, 0, { transactionalIds: [id] })).transactionStates[0]!;
  }

  /** An open transaction of the first generation, with one record. */
  async open(): Promise<Identity> {
    const identity = await this.init();
    expect(await this.patiently(async () => (await this.add(identity))[0]!)).toBe(ErrorCode.NONE);
    expect(await this.patiently(() => this.produce(identity, 11))).toBe(ErrorCode.NONE);
    return identity;
  }
}

export interface CommitOptions {
  readonly topic: string;
  readonly metadata: string;
  readonly group: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string;
}
