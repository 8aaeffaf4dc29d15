import type { SimulatedRuntime } from "@ottla/runtime";
import { expect } from "vitest";
import type { Consumer, ConsumerRecord } from "../index.ts";

/** Reads in the background: collects values, until the loop ends or throws. */
export function readAll(consumer: Consumer, options: { readonly signal?: AbortSignal } = {}) {
  const values: (string | null)[] = [];
  const records: ConsumerRecord[] = [];
  const done = (async () => {
    for await (const record of consumer.records(options)) {
      records.push(record);
      values.push(record.value);
    }
  })();
  done.catch(() => {});
  return { values, records, done };
}

/** Lets `promise` settle while virtual time goes on; fails when it has not within a virtual minute. */
export async function settle<T>(runtime: SimulatedRuntime, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const watched = promise.finally(() => {
    isSettled = true;
  });
  watched.catch(() => {});
  for (let waitedMs = 0; !isSettled && waitedMs < 60_000; waitedMs += 50) await runtime.advance(50);
  if (!isSettled) throw new Error("the promise did not settle within a minute of virtual time");
  return await watched;
}

/** Ends a test: its consumers are closed, and then nothing waits any more. */
export async function closeAll(runtime: SimulatedRuntime, consumers: readonly Consumer[]): Promise<void> {
  for (const consumer of consumers) await settle(runtime, consumer.close());
  await runtime.advance(1_000); // the double's long polls
  expect(runtime.pendingTimers).toBe(0);
}
