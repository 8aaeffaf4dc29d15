import {
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  ErrorCode,
  findCoordinatorApi,
  listTransactionsApi,
  writeTxnMarkersApi,
} from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { ID, TransactionFixture } from "../test-support/transaction-fixture.ts";

const OK = ErrorCode.NONE;

/** One whole transaction in each row, so that every version of every API of transactions is used at least once. */
const VERSIONS = [
  { init: 0, add: 0, addOffsets: 0, commitOffset: 0, produce: 3, end: 0, list: 0, find: 1 },
  { init: 1, add: 1, addOffsets: 1, commitOffset: 1, produce: 4, end: 1, list: 1, find: 2 },
  { init: 2, add: 2, addOffsets: 2, commitOffset: 2, produce: 5, end: 2, list: 2, find: 3 },
  { init: 3, add: 3, addOffsets: 3, commitOffset: 3, produce: 6, end: 3, list: 2, find: 4 },
  { init: 4, add: 3, addOffsets: 4, commitOffset: 4, produce: 7, end: 4, list: 2, find: 5 },
  { init: 5, add: 3, addOffsets: 4, commitOffset: 4, produce: 8, end: 4, list: 2, find: 6 },
  { init: 5, add: 3, addOffsets: 4, commitOffset: 4, produce: 9, end: 4, list: 2, find: 6 },
  { init: 5, add: 3, addOffsets: 4, commitOffset: 4, produce: 10, end: 4, list: 2, find: 6 },
  { init: 5, add: 3, addOffsets: 4, commitOffset: 4, produce: 11, end: 4, list: 2, find: 6 },
  { init: 5, add: null, addOffsets: null, commitOffset: 5, produce: 12, end: 5, list: 2, find: 6 },
];

describe("every version of every API of transactions", () => {
  it.each(VERSIONS)(
    "a transaction with %o",
    async ({ init, add, addOffsets, commitOffset, produce, end, list, find }) => {
      await using fixture = await TransactionFixture.start();
      await fixture.test.createTopic("t", 2);
      const key = find >= 4 ? { coordinatorKeys: [ID] } : { key: ID };
      const found = await fixture.client.send(findCoordinatorApi, find, { keyType: 1, ...key });
      expect(find >= 4 ? found.coordinators[0] : found).toMatchObject({ errorCode: OK, nodeId: 1 });
      await fixture.client.send(findCoordinatorApi, 6, { keyType: 0, coordinatorKeys: ["g"] });

      const identity = await fixture.init(init);
      expect(identity).toMatchObject({ errorCode: OK, producerEpoch: 0 });
      if (add !== null) expect(await fixture.add(identity, [0], add)).toBe(OK);
      expect(await fixture.produce(identity, "a", 0, produce)).toBe(OK);
      if (addOffsets !== null) {
        const { producerId, producerEpoch } = identity;
        const request = { transactionalId: ID, producerId, producerEpoch, groupId: "g" };
        expect(await fixture.client.send(addOffsetsToTxnApi, addOffsets, request)).toMatchObject({ errorCode: OK });
      }
      const committed = await fixture.commitOffset(identity, 7, commitOffset);
      expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(OK);

      const { transactionStates } = await fixture.client.send(listTransactionsApi, list, {
        ...{ stateFilters: ["Ongoing"], producerIdFilters: [identity.producerId] },
        ...(list >= 1 && { durationFilter: -1 }),
        ...(list >= 2 && { transactionalIdPattern: "tr.*" }),
      });
      expect(transactionStates).toMatchObject([{ transactionalId: ID, producerId: identity.producerId }]);

      const ended = await fixture.end(identity, true, end);
      expect(ended.errorCode).toBe(OK);
      if (end >= 5) expect(ended).toMatchObject({ producerId: identity.producerId, producerEpoch: 1 });
      expect(await fixture.settled()).toBe("CompleteCommit");
      expect((await fixture.fetch(1)).lastStableOffset).toBe(2);
      expect((await fixture.committedOffset(true)).committedOffset).toBe(7);
    },
  );

  it.each([4, 5])("AddPartitionsToTxn v%i: many transactions, to add to and to look into", async (version) => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 2);
    const { producerId, producerEpoch } = await fixture.init();
    const transaction = { transactionalId: ID, producerId, producerEpoch };
    const ask = async (verifyOnly: boolean, partitions: readonly number[]) => {
      const { resultsByTransaction } = await fixture.client.send(addPartitionsToTxnApi, version, {
        transactions: [
          { ...transaction, verifyOnly, topics: [{ name: "t", partitions }] },
          { ...transaction, transactionalId: "nobody's", verifyOnly, topics: [{ name: "t", partitions }] },
        ],
      });
      return resultsByTransaction.map(({ topicResults }) =>
        topicResults[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
      );
    };
    const unknown = ErrorCode.INVALID_PRODUCER_ID_MAPPING;
    expect(await ask(false, [0])).toEqual([[OK], [unknown]]);
    expect(await ask(true, [0, 1])).toEqual([
      [OK, ErrorCode.TRANSACTION_ABORTABLE],
      [unknown, unknown],
    ]);
  });

  it.each([1, 2])("WriteTxnMarkers v%i", async (version) => {
    await using fixture = await TransactionFixture.start();
    await fixture.test.createTopic("t", 2);
    const identity = await fixture.init();
    await fixture.add(identity);
    await fixture.produce(identity, "a", 0);
    const { markers } = await fixture.client.send(writeTxnMarkersApi, version, {
      markers: [
        {
          ...{ producerId: identity.producerId, producerEpoch: identity.producerEpoch },
          ...{ transactionResult: false, coordinatorEpoch: 0 },
          ...(version >= 2 && { transactionVersion: 1 }),
          topics: [{ name: "t", partitionIndexes: [0] }],
        },
      ],
    });
    expect(markers).toMatchObject([{ topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: OK }] }] }]);
    expect((await fixture.fetch(1)).lastStableOffset).toBe(2);
  });
});
