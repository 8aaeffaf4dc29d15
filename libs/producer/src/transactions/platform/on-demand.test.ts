import { FakeCluster } from "@ottla/client/test-support";
import { addPartitionsToTxnApi, endTxnApi, initProducerIdApi, type RequestOf } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test, vi } from "vitest";
import { Producer } from "../../index.ts";
import { transactionEngine } from "../engine.ts";
import { loadTransactionEngine } from "./on-demand.ts";

vi.mock("#transaction-engine", () => import("./on-demand.ts"));

const runtime = createSimulatedRuntime(7);

function setUp(): Producer {
  const cluster = new FakeCluster({ runtime, topics: { orders: 1 } });
  const { connector, bootstrapServers } = cluster;
  cluster.handle(initProducerIdApi, () => ({ throttleTimeMs: 0, errorCode: 0, producerId: 7, producerEpoch: 0 }));
  cluster.handle(addPartitionsToTxnApi, ({ v3AndBelowTopics }: RequestOf<typeof addPartitionsToTxnApi>) => ({
    throttleTimeMs: 0,
    resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: 0 })),
    })),
  }));
  cluster.handle(endTxnApi, () => ({ throttleTimeMs: 0, errorCode: 0 }));
  return new Producer({ bootstrapServers, connector, runtime, transactionalId: "t" });
}

async function within<T>(work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  work.then(settle, settle);
  await vi.waitFor(async () => {
    await runtime.advance(5);
    expect(isSettled).toBe(true);
  });
  return await work;
}

test("a page loads what a process has from the start", async () => {
  expect(await loadTransactionEngine()).toBe(transactionEngine);
});

test("of two transactions that wait for the engine together, one is done and the other refused", async () => {
  const producer = setUp();
  const [first, second] = ["1", "2"].map((value) =>
    producer.transaction(async (tx) => (await tx.send({ topic: "orders", value })).offset),
  );
  await expect(within(second!)).rejects.toMatchObject({ code: "INVALID_TXN_STATE" });
  expect(await within(first!)).toBe(0);
  await within(producer.close());
});

test("a producer that is closed meanwhile begins none", async () => {
  const producer = setUp();
  const transaction = producer.transaction(async () => "begun");
  const closed = producer.close();
  await expect(within(transaction)).rejects.toMatchObject({ code: "CLOSED" });
  await within(closed);
});
