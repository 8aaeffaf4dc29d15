import { describe, expect, it } from "vitest";
import type { Identity } from "../idempotence/identity.ts";
import { PartitionSequence } from "../idempotence/partition-sequence.ts";
import { NEVER, PartitionQueue } from "./partition-queue.ts";
import { ProducerBatch } from "./producer-batch.ts";

const IDENTITY: Identity = {
  producerId: 7,
  producerEpoch: 0,
  isKnown: true,
  request() {},
  bumpFrom() {},
  admits: () => true,
};
const RULES = { nowMs: 0, lingerMs: 0, largeLingerMs: 0, maxInFlight: 5 };

/** A queue whose broker knows its producer. */
function readyQueue(sequence: PartitionSequence | null = new PartitionSequence(IDENTITY)) {
  const queue = new PartitionQueue("t", 0, sequence);
  const send = () => {
    const batch = new ProducerBatch({ topic: "t", partition: 0, createdAtMs: 0, buffer: new Uint8Array(100) });
    batch.append(null, "v", [], 0);
    queue.open = batch;
    queue.closeOpen()!.seal("none", undefined, () => {});
    if (queue.dueInMs(RULES) === NEVER) return null;
    return queue.take();
  };
  const first = send()!;
  queue.answered(first);
  sequence?.acked(first);
  return { queue, send };
}

describe("PartitionQueue", () => {
  it("sends nothing behind which a broker would not recognize the oldest batch without an answer", () => {
    const { queue, send } = readyQueue();
    const oldest = send()!;
    for (let i = 0; i < 4; i++) queue.answered(send()!);
    expect(send()).toBeNull();
    queue.answered(oldest);
    expect(queue.dueInMs(RULES)).toBe(0);
  });

  it("goes on without sequences: there is nothing to be recognized by", () => {
    const { queue, send } = readyQueue(null);
    send();
    for (let i = 0; i < 9; i++) queue.answered(send()!);
  });
});
