import { type CompressionType, codecByName, RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import { compressionAt } from "@ottla/protocol/internal";
import { createSimulatedRuntime, seededRandom } from "@ottla/runtime";
import { expect, it } from "vitest";
import { type BatchPolicy, BatchPreparation, type PreparationExecutor } from "./batch-preparation.ts";
import { type PreparationOrder, prepareBatch } from "./prepare-batch.ts";

const POLICY: BatchPolicy = {
  cleanupPolicy: ["delete"],
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  messageTimestampAfterMaxMs: 3_600_000,
  maxMessageBytes: 1 << 20,
  compression: { type: "gzip" },
};

/** Does not get much smaller by any codec. */
async function batchOf(sizeBytes: number, compression: CompressionType = "lz4"): Promise<Uint8Array> {
  const value = seededRandom(1).fill(new Uint8Array(sizeBytes));
  const builder = new RecordBatchBuilder();
  builder.append(null, value, [], 0);
  return await builder.close({ compression });
}

/** Stands for a thread: what it is given must survive the way there. */
class Thread {
  readonly orders: PreparationOrder[] = [];
  readonly #go: (() => void)[] = [];

  readonly execute: PreparationExecutor = async (batch, order) => {
    this.orders.push(structuredClone(order));
    await new Promise<void>((resolve) => this.#go.push(resolve));
    return await prepareBatch(batch.slice(), order);
  };

  finishOne(): void {
    this.#go.shift()?.();
  }
}

it("hands large batches to a thread, two at a time, and small ones to nobody", async () => {
  const thread = new Thread();
  const preparation = new BatchPreparation(createSimulatedRuntime(1), thread.execute);
  const small = await preparation.prepare(await batchOf(1_000), POLICY);
  expect(compressionAt(small, 0)).toBe(codecByName("gzip").id);
  expect(thread.orders).toEqual([]);

  const large = await batchOf(100_000);
  const unchanged = large.slice();
  const prepared = [1, 2, 3].map(() => preparation.prepare(large, { ...POLICY, maxMessageBytes: 1 << 20 }));
  await Promise.resolve();
  expect(thread.orders).toHaveLength(2);
  thread.finishOne();
  await prepared[0];
  await Promise.resolve();
  expect(thread.orders).toHaveLength(3);
  thread.finishOne();
  thread.finishOne();
  for (const batch of await Promise.all(prepared)) {
    expect(compressionAt(batch, 0)).toBe(codecByName("gzip").id);
    const records = await readRecordBatch(batch);
    expect([...records][0]!.value?.length).toBe(100_000);
  }
  expect(large).toEqual(unchanged);
});

it("passes on what the thread says of a batch, and goes on with the next one", async () => {
  const thread = new Thread();
  const preparation = new BatchPreparation(createSimulatedRuntime(1), thread.execute);
  const policy: BatchPolicy = { ...POLICY, cleanupPolicy: ["compact"] };
  const refused = Promise.resolve(preparation.prepare(await batchOf(100_000), policy)).catch((error: unknown) => error);
  await Promise.resolve();
  thread.finishOne();
  expect(await refused).toMatchObject({ name: "AppendRejected", recordErrors: [{ batchIndex: 0 }] });
  const next = preparation.prepare(await batchOf(100_000), POLICY);
  await Promise.resolve();
  thread.finishOne();
  expect(compressionAt(await next, 0)).toBe(codecByName("gzip").id);
});

it("does it itself where there is no thread, in a later turn of the event loop", async () => {
  const runtime = createSimulatedRuntime(1);
  const preparation = new BatchPreparation(runtime);
  const prepared = preparation.prepare(await batchOf(100_000), POLICY);
  expect(prepared).toBeInstanceOf(Promise);
  await runtime.advance(1);
  expect(compressionAt(await prepared, 0)).toBe(codecByName("gzip").id);
});
