import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, expect } from "vitest";
import { Consumer, type ConsumerOptions } from "../index.ts";
import { FakeKafka } from "./fake-kafka.ts";
import { settle } from "./reading.ts";

/** What each test of a group begins with anew. */
export let runtime: SimulatedRuntime;
export let kafka: FakeKafka;
/** What the rebalance listeners were told, in order. */
export let story: string[];

let open: Consumer[];

/** To be called once in a file of tests: a double of Kafka for each of them, and nothing left over after it. */
export function useGroup(): void {
  beforeEach(() => {
    runtime = createSimulatedRuntime(1);
    startKafka(1);
    open = [];
    story = [];
  });

  afterEach(async () => {
    for (const consumer of open) await settle(runtime, consumer.close());
    await runtime.advance(1_000); // the double's long polls
    expect(runtime.pendingTimers).toBe(0);
  });
}

/** A double of Kafka in place of the one there was. */
export function startKafka(brokers: number): void {
  kafka = new FakeKafka(runtime, { t: 2 }, brokers);
}

export const names = (partitions: readonly { topic: string; partition: number }[]): string =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(" ");

/** A consumer that is closed after the test. */
export function member(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({
    ...kafka.clientOptions,
    groupId: "g",
    topics: "t",
    autoOffsetReset: "earliest",
    rebalanceListener: {
      onAssigned: (partitions) => void story.push(`onAssigned ${names(partitions)}`),
      onRevoked: (partitions) => void story.push(`onRevoked ${names(partitions)}`),
      onLost: (partitions) => void story.push(`onLost ${names(partitions)}`),
    },
    ...options,
  });
  open.push(consumer);
  return consumer;
}

/** Takes `count` records, and leaves the last one in hand. */
export async function take(loop: AsyncIterableIterator<unknown>, count: number): Promise<void> {
  for (let read = 0; read < count; read++) await settle(runtime, loop.next());
}
