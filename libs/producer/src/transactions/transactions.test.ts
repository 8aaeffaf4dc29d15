import type { Fault } from "@ottla/client/test-support";
import { addPartitionsToTxnApi, ErrorCode, endTxnApi, initProducerIdApi, type RequestOf } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { transactionErrorKind } from "../index.ts";
import { setUp as setUpProducer } from "../test-support/set-up.ts";

/** A producer, and a coordinator that says what it is told to and keeps book. Transactions are of the first generation. */
function setUp() {
  const options = { transactionalId: "t", maxBlockMs: 5_000, requestTimeoutMs: 1_000, retryBackoffMs: 10 };
  const { cluster, producer, within, rejection } = setUpProducer(options);
  const ends: { epoch: number; committed: boolean }[] = [];
  const added: string[] = [];
  const errors = { init: [] as number[], add: [] as number[], end: [] as number[] };
  let epoch = -1;
  cluster.handle(initProducerIdApi, () => {
    const errorCode = errors.init.shift() ?? 0;
    if (errorCode === 0) epoch++;
    return { throttleTimeMs: 0, errorCode, producerId: 7, producerEpoch: epoch };
  });
  cluster.handle(addPartitionsToTxnApi, (request: RequestOf<typeof addPartitionsToTxnApi>) => {
    const partitionErrorCode = errors.add.shift() ?? 0;
    const topics = request.v3AndBelowTopics;
    for (const { name, partitions } of topics) added.push(...partitions.map((partition) => `${name}-${partition}`));
    const answerOf = (partitionIndex: number) => ({ partitionIndex, partitionErrorCode });
    return {
      throttleTimeMs: 0,
      resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map(answerOf),
      })),
    };
  });
  cluster.handle(endTxnApi, ({ producerEpoch, committed }: RequestOf<typeof endTxnApi>) => {
    ends.push({ epoch: producerEpoch, committed });
    return { throttleTimeMs: 0, errorCode: errors.end.shift() ?? 0 };
  });
  const sendOne = () => producer.transaction((tx) => tx.send({ topic: "orders", partition: 0, value: "v" }));
  return { cluster, producer, errors, ends, added, within, rejection, sendOne };
}

/** Lets the first `count` requests of an API go wrong. */
function failing(apiName: string, kind: "lostRequest" | "lostResponse" | "silence", count = 1) {
  let left = count;
  return (context: { readonly apiName: string }): Fault | undefined =>
    context.apiName === apiName && left-- > 0 ? { kind } : undefined;
}

describe("transactions of the first generation", () => {
  test("partitions are added once for each transaction, those of one turn together", async () => {
    const { cluster, producer, added, ends, within } = setUp();
    for (let round = 0; round < 2; round++) {
      const work = producer.transaction(async (tx) => {
        for (const partition of [0, 1, 0, 1]) void tx.send({ topic: "orders", partition, value: "v" });
        await tx.send({ topic: "orders", partition: 0, value: "last" });
      });
      await within(work);
    }
    expect(added).toEqual(["orders-0", "orders-1", "orders-0", "orders-1"]);
    expect(cluster.requestCounts.get("AddPartitionsToTxn")).toBe(2);
    expect(ends).toEqual([
      { epoch: 0, committed: true },
      { epoch: 0, committed: true },
    ]);
  });

  for (const apiName of ["InitProducerId", "AddPartitionsToTxn", "EndTxn", "Produce"]) {
    for (const kind of ["lostRequest", "lostResponse", "silence"] as const) {
      test(`${kind} of ${apiName} is got over`, async () => {
        const { cluster, ends, within, sendOne } = setUp();
        cluster.faultOf = failing(apiName, kind);
        await within(sendOne());
        expect(new Set(ends.map(({ committed }) => committed))).toEqual(new Set([true]));
        expect(cluster.partition("orders", 0).records).toHaveLength(1);
      });
    }
  }

  test("a commit without an answer is never turned into an abort, and made good before the next transaction", async () => {
    const { cluster, ends, within, rejection, sendOne } = setUp();
    cluster.faultOf = failing("EndTxn", "silence", 100);
    expect(await rejection(sendOne())).toMatchObject({ code: "REQUEST_TIMED_OUT" });
    cluster.faultOf = () => undefined;
    await within(sendOne());
    expect(ends).toEqual([
      { epoch: 0, committed: true },
      { epoch: 0, committed: true },
    ]);
  });

  test("an array of which a record cannot be sent is not sent, and aborts the transaction, waited for or not", async () => {
    const { cluster, producer, ends, within, rejection, sendOne } = setUp();
    const records = [
      { topic: "orders", partition: 0, value: "v" },
      { topic: "orders", value: 5 as never },
    ];
    await within(sendOne());
    for (const isAwaited of [true, false]) {
      const work = producer.transaction(async (tx) => {
        await tx.send({ topic: "orders", partition: 0, value: "before" });
        const sent = tx.send(records);
        if (isAwaited) await sent;
        else sent.catch(() => {});
      });
      expect(await rejection(work)).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(ends.map(({ committed }) => committed)).toEqual([true, false, false]);
    expect(cluster.partition("orders", 0).records).toHaveLength(3);
  });

  test("an offset that is none is not committed for the group, and the transaction is aborted", async () => {
    const { producer, ends, rejection } = setUp();
    const group = { groupId: "g", memberId: "", generationId: -1, groupInstanceId: null };
    const offsets = [{ topic: "orders", partition: 0, offset: -1 }];
    const work = producer.transaction(async (tx) => {
      await tx.send({ topic: "orders", partition: 0, value: "v" });
      await tx.sendOffsets({ group, offsets });
    });
    const error = await rejection(work);
    expect(error).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("one where offset is -1"),
    });
    expect(ends).toEqual([{ epoch: 0, committed: false }]);
  });

  test("a gap in a partition's sequence aborts, and the next transaction begins anew with another epoch", async () => {
    const { cluster, ends, within, rejection, sendOne } = setUp();
    await within(sendOne());
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER } : undefined;
    const error = await rejection(sendOne());
    expect(error).toMatchObject({ code: "TRANSACTION_ABORTABLE" });
    expect(transactionErrorKind(error)).toBe("abortable");
    cluster.faultOf = () => undefined;
    await within(sendOne());
    expect(ends).toEqual([
      { epoch: 0, committed: true },
      { epoch: 0, committed: false },
      { epoch: 1, committed: true },
    ]);
  });

  const cases = [
    { where: "init", errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, becomes: "done" },
    { where: "add", errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, becomes: "done" },
    { where: "end", errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, becomes: "done" },
    { where: "end", errorCode: ErrorCode.NOT_COORDINATOR, becomes: "done" },
    { where: "add", errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, becomes: "aborted" },
    { where: "add", errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING, becomes: "aborted" },
    { where: "end", errorCode: ErrorCode.TRANSACTION_ABORTABLE, becomes: "aborted" },
    { where: "init", errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, becomes: "fatal" },
    { where: "init", errorCode: ErrorCode.INVALID_TRANSACTION_TIMEOUT, becomes: "fatal" },
    { where: "add", errorCode: ErrorCode.PRODUCER_FENCED, becomes: "fatal" },
    { where: "add", errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, becomes: "fatal", as: ErrorCode.PRODUCER_FENCED },
    { where: "end", errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, becomes: "fatal", as: ErrorCode.PRODUCER_FENCED },
    { where: "end", errorCode: ErrorCode.INVALID_TXN_STATE, becomes: "fatal", as: ErrorCode.PRODUCER_FENCED },
  ] as const;
  for (const { where, errorCode, becomes, ...shown } of cases) {
    test(`after error ${errorCode} of ${where} a transaction is ${becomes}`, async () => {
      const { errors, ends, within, rejection, sendOne } = setUp();
      errors[where].push(errorCode);
      if (becomes === "done") {
        await within(sendOne());
        expect(ends.at(-1)).toEqual({ epoch: 0, committed: true });
        return;
      }
      const error = await rejection(sendOne());
      expect(error.errno).toBe("as" in shown ? shown.as : errorCode);
      if (becomes === "fatal") {
        const endsBefore = ends.length;
        expect(await rejection(sendOne())).toBe(error);
        expect(ends).toHaveLength(endsBefore);
      } else {
        expect(ends.at(-1)).toEqual({ epoch: 0, committed: false });
        await within(sendOne());
        expect(ends.at(-1)).toEqual({ epoch: 1, committed: true });
      }
    });
  }
});
