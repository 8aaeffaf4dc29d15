import {
  addPartitionsToTxnApi,
  describeTransactionsApi,
  ErrorCode,
  encodeRecordBatch,
  endTxnApi,
  fetchApi,
  findCoordinatorApi,
  initProducerIdApi,
  offsetFetchApi,
  produceApi,
  txnOffsetCommitApi,
} from "@ottla/protocol";
import { expect } from "vitest";
import { TestBroker, type TestBrokerOptions } from "./test-broker.ts";

/** The transactional id of the fixture. */
export const ID = "transfers";
const OK = ErrorCode.NONE;

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A broker and a client that speaks the protocol of transactions by hand. */
export class TransactionFixture implements AsyncDisposable {
  readonly test: TestBroker;

  private constructor(test: TestBroker) {
    this.test = test;
  }

  static async start(options: TestBrokerOptions = {}): Promise<TransactionFixture> {
    const config = { "transaction.state.log.num.partitions": 2, ...options.config };
    const fixture = new TransactionFixture(await TestBroker.start({ ...options, config }));
    const { coordinators } = await fixture.client.send(findCoordinatorApi, 6, { keyType: 1, coordinatorKeys: [ID] });
    expect(coordinators[0]!.errorCode).toBe(OK);
    return fixture;
  }

  get client() {
    return this.test.client;
  }

  init(version = 5, expected: Identity = { producerId: -1, producerEpoch: -1 }, timeoutMs = 60_000) {
    return this.client.send(initProducerIdApi, version, {
      transactionalId: ID,
      transactionTimeoutMs: timeoutMs,
      ...(version >= 3 && expected),
    });
  }

  async add(identity: Identity, partitions: readonly number[] = [0], version = 3): Promise<number> {
    const { resultsByTopicV3AndBelow } = await this.client.send(addPartitionsToTxnApi, version, {
      v3AndBelowTransactionalId: ID,
      v3AndBelowProducerId: identity.producerId,
      v3AndBelowProducerEpoch: identity.producerEpoch,
      v3AndBelowTopics: [{ name: "t", partitions }],
    });
    return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
  }

  async produce(
    identity: Identity,
    value: string,
    sequence: number,
    version = 11,
    index = 0,
    client = this.client,
  ): Promise<number> {
    const records = encodeRecordBatch({
      records: [{ value }],
      timestampMs: Date.UTC(2024, 0, 1),
      ...identity,
      baseSequence: sequence,
      isTransactional: true,
    });
    const { responses } = await client.send(produceApi, version, {
      transactionalId: ID,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: "t", partitionData: [{ index, records }] }],
    });
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  end(identity: Identity, committed: boolean, version = 4) {
    return this.client.send(endTxnApi, version, { transactionalId: ID, ...identity, committed });
  }

  /** Ends a transaction of the first generation and waits until all its markers are written. */
  async endWholly(identity: Identity, committed: boolean): Promise<void> {
    for (;;) {
      const { errorCode } = await this.end(identity, committed);
      if (errorCode === OK && (await this.state()).startsWith("Complete")) return;
      expect([OK, ErrorCode.CONCURRENT_TRANSACTIONS]).toContain(errorCode);
      await this.test.runtime.advance(1);
    }
  }

  async describe() {
    const { transactionStates } = await this.client.send(describeTransactionsApi, 0, { transactionalIds: [ID] });
    return transactionStates[0]!;
  }

  async state(): Promise<string> {
    return (await this.describe()).transactionState;
  }

  async settled(): Promise<string> {
    for (;;) {
      const { transactionState: state, errorCode } = await this.describe();
      const isLoading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      if (!isLoading && !state.startsWith("Prepare")) return state;
      await this.test.runtime.advance(1);
    }
  }

  async fetch(isolationLevel: number, index = 0) {
    const { responses } = await this.client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1e6,
      isolationLevel,
      topics: [{ topic: "t", partitions: [{ partition: index, fetchOffset: 0, partitionMaxBytes: 1e6 }] }],
    });
    return responses[0]!.partitions[0]!;
  }

  async committedOffset(requireStable = false) {
    const { groups } = await this.client.send(offsetFetchApi, 8, {
      requireStable,
      groups: [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] }],
    });
    return groups[0]!.topics[0]!.partitions[0]!;
  }

  commitOffset(identity: Identity, committedOffset: number, version: number) {
    return this.client.send(txnOffsetCommitApi, version, {
      transactionalId: ID,
      groupId: "g",
      ...identity,
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: "" }] }],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}
