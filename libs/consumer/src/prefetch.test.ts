import { codecByName, RecordBatchBuilder } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Consumer, type ConsumerOptions } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { closeAll, settle } from "./test-support/reading.ts";

const T0 = { topic: "t", partition: 0 };

let runtime: SimulatedRuntime;
let kafka: FakeKafka;
let open: Consumer[];

beforeEach(() => {
  runtime = createSimulatedRuntime(1);
  kafka = new FakeKafka(runtime, { t: 2 });
  open = [];
});

afterEach(() => closeAll(runtime, open));

/** A consumer that reads partition 0 from its beginning. */
function reader(options: Partial<ConsumerOptions> = {}): Consumer {
  const consumer = new Consumer({ ...kafka.clientOptions, autoOffsetReset: "earliest", ...options });
  open.push(consumer);
  consumer.assign([T0]);
  return consumer;
}

describe("prefetch", () => {
  test("begins before the loop is given what came, where more waits at the broker", async () => {
    for (let batch = 0; batch < 3; batch++) kafka.append("t", 0, [`batch ${batch}`]);
    const consumer = reader({ maxPartitionFetchBytes: 1 });
    const fetchesBefore: number[] = [];
    void (async () => {
      // A loop that does not let go of the event loop meanwhile.
      for await (const _ of consumer.batches()) fetchesBefore.push(kafka.fetches.length);
    })();
    await runtime.advance(100);
    expect(fetchesBefore[0]).toBeGreaterThan(1);
  });

  test("goes on while records are handled, and stops at its limit", async () => {
    for (let batch = 0; batch < 20; batch++) kafka.append("t", 0, ["x".repeat(1_000)]);
    const consumer = reader({ maxPartitionFetchBytes: 1, prefetchMaxBytes: 5_000 });
    const loop = consumer.records();
    await settle(runtime, loop.next());
    await runtime.advance(10_000);
    const fetchedWhileBusy = kafka.fetches.length;
    expect(fetchedWhileBusy).toBeGreaterThan(3);
    expect(fetchedWhileBusy).toBeLessThan(9);
    for (let read = 1; read < 20; read++) await settle(runtime, loop.next());
    expect(await consumer.position(T0)).toBe(20);
  });

  test.each([
    [{}, 2_097_152],
    [{ maxPartitionFetchBytes: 3_000_000 }, 3_000_000],
    [{ prefetchMaxBytes: 80_000_000 }, 10_000_000],
    [{ fetchMaxBytes: 1_000 }, 1_000],
  ])("comes in pieces: with %j a fetch asks for %d bytes at the most", async (options, maxBytes) => {
    kafka.append("t", 0, ["v"]);
    await settle(runtime, reader(options).records().next());
    expect(kafka.fetches[0]!.maxBytes).toBe(maxBytes);
  });

  test("begins after what waits", async () => {
    for (let batch = 0; batch < 3; batch++) kafka.append("t", 0, [`v${batch}`]);
    const consumer = reader({ maxPartitionFetchBytes: 1 });
    await settle(runtime, consumer.records().next());
    await runtime.advance(1_000);
    const offsets = kafka.fetches.map((fetch) => fetch.topics[0]!.partitions[0]!.fetchOffset);
    expect(offsets.slice(0, 4)).toEqual([0, 1, 2, 3]);
  });

  test("decompresses what comes next while records are handled", async () => {
    for (const value of ["first", "second", "third"]) {
      const builder = new RecordBatchBuilder();
      builder.append(null, value, [], 5);
      kafka.log("t", 0).append(await builder.close({ compression: "snappy" }));
    }
    using decompress = vi.spyOn(codecByName("snappy"), "decompress");
    const loop = reader({ maxPartitionFetchBytes: 1 }).records();
    await settle(runtime, loop.next());
    await runtime.advance(1_000);
    expect(decompress, "what is in hand and the next, no more").toHaveBeenCalledTimes(2);
    await settle(runtime, loop.next());
    await runtime.advance(1_000);
    expect(decompress, "each once").toHaveBeenCalledTimes(3);
  });
});
