import { ErrorCode } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Consumer, type ConsumerOptions } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { settle } from "./test-support/reading.ts";

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let consumer: Consumer;

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
});

afterEach(async () => {
  await settle(runtime, consumer.close());
});

function reading(options: Partial<ConsumerOptions> = {}): AsyncIterableIterator<unknown> {
  const group = { groupId: "g", topics: "t", autoCommit: false, autoOffsetReset: "earliest" } as const;
  consumer = new Consumer({ ...kafka.clientOptions, ...group, ...options });
  return consumer.records();
}

const next = (loop: AsyncIterableIterator<unknown>) => settle(runtime, loop.next());

/** The coordinator puts the member out, which joins again. */
async function losePartitions(): Promise<void> {
  kafka.heartbeatErrors.push(ErrorCode.UNKNOWN_MEMBER_ID);
  await runtime.advance(8_000);
}

describe("offsets for a transaction", () => {
  test("are where the records that were handed out end, the one in hand included", async () => {
    kafka.append("t", 0, ["a", "b", "c"]);
    const loop = reading();
    await next(loop);
    await next(loop);
    expect(consumer.transactionOffsets().offsets).toMatchObject([
      { topic: "t", partition: 0, offset: 2 },
      { topic: "t", partition: 1, offset: 0 },
    ]);
  });

  test("are refused once when a partition has gone of which records were handed out: somebody else gets them again", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const loop = reading();
    await next(loop);
    await losePartitions();
    expect(() => consumer.transactionOffsets()).toThrow(expect.objectContaining({ code: "NOT_ASSIGNED" }));
    expect(consumer.transactionOffsets().group.memberId).toBe("member-2");
  });

  test("do not mind a partition that went after a transaction had taken its records along", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const loop = reading();
    await next(loop);
    consumer.transactionOffsets();
    await losePartitions();
    expect(consumer.transactionOffsets().group.memberId).toBe("member-2");
  });

  test("nor one whose records were committed, nor one of which none was handed out", async () => {
    kafka.append("t", 0, ["a", "b"]);
    const loop = reading();
    await next(loop);
    await settle(runtime, consumer.commit());
    await losePartitions();
    expect(consumer.transactionOffsets().group.memberId).toBe("member-2");
    await losePartitions();
    expect(consumer.transactionOffsets().group.memberId).toBe("member-3");
  });
});
