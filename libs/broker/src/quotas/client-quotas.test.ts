import { type MetadataImage, PersistentMap } from "@ottla/metadata";
import {
  alterClientQuotasApi,
  apiVersionsApi,
  ErrorCode,
  encodeRecordBatch,
  fetchApi,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";
import { ClientQuotas } from "./client-quotas.ts";
import { QuotaLimits } from "./quota-limits.ts";
import { SampledRate, throttleTimeMs } from "./sampled-rate.ts";

const WINDOWS = { samples: 11, windowMs: 1_000 };

describe("the rate of a quota", () => {
  it("is taken over ten seconds at least, and a beginning is no peak", () => {
    const rate = new SampledRate();
    rate.record(1_000, 0, WINDOWS);
    expect(rate.measure(0, WINDOWS)).toBe(100);
    expect(rate.measure(500, WINDOWS)).toBeCloseTo(1_000 / 10.5);
    expect(rate.spanMs(0, WINDOWS)).toBe(10_000);
    expect(rate.measure(11_000, WINDOWS)).toBe(0);
    expect(rate.isOver(11_000, WINDOWS)).toBe(true);
  });

  it.each([
    [100, 100, 10_000, 0],
    [150, 100, 10_000, 5_000],
    [100.01, 100, 10_500, 1],
    [10, 1, 10_000, 90_000],
    [1e9, 1, 10_000, 2 ** 31 - 1],
  ])("at %d for a quota of %d waits over %d ms for %d ms", (rate, quota, spanMs, waitMs) => {
    expect(throttleTimeMs(rate, quota, spanMs)).toBe(waitMs);
  });

  it("of a client that waits as it is told is about the quota: bursts are forgotten after eleven seconds, which is twice at most", () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 0, max: 3_000 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 10_000 }),
        fc.array(step, { minLength: 20, maxLength: 100 }),
        (quota, steps) => {
          const rate = new SampledRate();
          let [nowMs, total] = [0, 0];
          for (const [value, pauseMs] of steps) {
            rate.record(value, nowMs, WINDOWS);
            total += value;
            nowMs += throttleTimeMs(rate.measure(nowMs, WINDOWS), quota, rate.spanMs(nowMs, WINDOWS)) + pauseMs;
          }
          expect(total).toBeLessThanOrEqual((2 * quota * nowMs) / 1_000 + 20 * quota);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe("which quota counts", () => {
  const D = null;
  type Names = readonly [user: string | null | undefined, clientId: string | null | undefined];
  const ALL: readonly Names[] = [
    ["u", "c"],
    ["u", D],
    ["u", undefined],
    [D, "c"],
    [D, D],
    [D, undefined],
    [undefined, "c"],
    [undefined, D],
  ];
  const limits = (names: readonly Names[]) =>
    new QuotaLimits(
      names.map(([user, clientId]) => ({
        entity: new Map([
          ...(user === undefined ? [] : [["user", user] as const]),
          ...(clientId === undefined ? [] : [["client-id", clientId] as const]),
        ]),
        values: new Map([["k", ALL.findIndex((other) => other[0] === user && other[1] === clientId)]]),
      })),
      "k",
    );

  it.each(ALL.map((_, first) => first))("the most specific: number %d of those from it on", (first) => {
    expect(limits(ALL.slice(first).reverse()).limitOf("u", "c")?.value).toBe(first);
  });

  it("who is named by a user alone shares it among all client ids", () => {
    expect(limits([["u", undefined]]).limitOf("u", "c")?.holder).toEqual({ user: "u", clientId: "" });
    expect(limits([[D, D]]).limitOf("u", "c")?.holder).toEqual({ user: "u", clientId: "c" });
    expect(limits([[undefined, D]]).limitOf("u", "c")?.holder).toEqual({ user: "", clientId: "c" });
  });

  it("none, for whom none is", () => {
    expect(
      limits([
        ["other", "c"],
        [undefined, "d"],
      ]).limitOf("u", "c"),
    ).toBe(null);
    expect(limits([]).areSet).toBe(false);
  });
});

describe("connections of an address", () => {
  const ipQuota = (ip: string | null, value: number) => ({
    entity: new Map([["ip", ip]]),
    values: new Map([["connection_creation_rate", value]]),
  });
  const quotasWith = (...set: ReturnType<typeof ipQuota>[]) => {
    const runtime = createSimulatedRuntime(1);
    const windows = () => WINDOWS;
    const quotas = new ClientQuotas({ clock: runtime.clock, windows, controllerWindows: windows });
    const clientQuotas = PersistentMap.from(set.map((quota, index) => [String(index), quota] as const));
    quotas.apply({ clientQuotas } as unknown as MetadataImage);
    return { runtime, quotas };
  };
  const connectingAtOnce = (quotas: ClientQuotas, ip: string, count: number) =>
    Array.from({ length: count }, () => quotas.connecting(ip)).filter((waitMs) => waitMs === 0).length;

  it("are let in up to the rate, and again when time has passed; what is refused is not counted", async () => {
    const { runtime, quotas } = quotasWith(ipQuota("10.0.0.1", 2));
    expect(connectingAtOnce(quotas, "10.0.0.1", 100)).toBe(20);
    expect(quotas.connecting("10.0.0.1")).toBeLessThanOrEqual(WINDOWS.windowMs);
    expect(connectingAtOnce(quotas, "10.0.0.2", 100)).toBe(100);
    await runtime.advance(12_000);
    expect(connectingAtOnce(quotas, "10.0.0.1", 100)).toBe(20);
  });

  it("have the quota of their own, or else that of all, each for itself", () => {
    const { quotas } = quotasWith(ipQuota(null, 1), ipQuota("10.0.0.1", 3));
    expect(connectingAtOnce(quotas, "10.0.0.1", 100)).toBe(30);
    for (const ip of ["10.0.0.2", "10.0.0.3"]) expect(connectingAtOnce(quotas, ip, 100)).toBe(10);
  });

  it.each([
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
  ])("%s is the same as %s", (set, ip) => {
    const { quotas } = quotasWith(ipQuota(set, 1));
    expect(connectingAtOnce(quotas, ip, 100)).toBe(10);
  });
});

describe("a broker holds clients to their quotas", () => {
  let test: TestBroker;
  afterEach(() => test[Symbol.asyncDispose]());

  const start = async (key: string, value: number) => {
    test = await TestBroker.start();
    await test.createTopic("t");
    await test.client.send(alterClientQuotasApi, 1, {
      entries: [{ entity: [{ entityType: "client-id", entityName: "slow" }], ops: [{ key, value, remove: false }] }],
      validateOnly: false,
    });
    return test.connect("slow");
  };
  const records = encodeRecordBatch({ records: [{ value: "v".repeat(5_000) }], timestampMs: Date.UTC(2024, 0, 1) });
  const produce = (client: TestClient, acks = -1) => {
    const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
    return client.send(produceApi, 9, { acks, timeoutMs: 1000, topicData });
  };
  const fetch = (client: TestClient, fetchOffset = 0) =>
    client.send(fetchApi, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      sessionEpoch: -1,
      topics: [
        {
          topic: "t",
          partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000, currentLeaderEpoch: -1 }],
        },
      ],
    });
  /** Whether the next answer comes within the time. */
  const isAnsweredWithin = async (client: TestClient, delayMs: number) => {
    let isAnswered = false;
    const answer = client.send(metadataApi, 12, { topics: [] }).then(() => {
      isAnswered = true;
    });
    await test.runtime.advance(delayMs);
    return { isAnswered, answer };
  };

  it("a producer is answered at once and read from later, and nobody else waits", async () => {
    const slow = await start("producer_byte_rate", 250);
    const { throttleTimeMs: waitMs, responses } = await produce(slow);
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
    expect(waitMs).toBeGreaterThan(5_000);
    const early = await isAnsweredWithin(slow, waitMs - 10);
    expect(early.isAnswered).toBe(false);
    expect((await produce(test.connect("fast"))).throttleTimeMs).toBe(0);
    await test.runtime.advance(20);
    await early.answer;
  });

  it("a producer without answers waits too", async () => {
    const slow = await start("producer_byte_rate", 250);
    slow.sendUnanswered(produceApi, 9, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: "t", partitionData: [{ index: 0, records }] }],
    });
    const early = await isAnsweredWithin(slow, 5_000);
    expect(early.isAnswered).toBe(false);
    await test.runtime.advance(60_000);
    await early.answer;
  });

  it("a consumer above its quota gets nothing but the time to wait, and its records afterwards", async () => {
    const slow = await start("consumer_byte_rate", 600);
    await produce(test.client);
    expect((await fetch(slow)).throttleTimeMs).toBe(0);
    const over = await fetch(slow);
    expect(over).toMatchObject({ errorCode: ErrorCode.NONE, sessionId: 0, responses: [] });
    expect(over.throttleTimeMs).toBeGreaterThan(0);
    await test.runtime.advance(over.throttleTimeMs + 12_000);
    const after = await fetch(slow);
    expect(after.throttleTimeMs).toBe(0);
    expect(after.responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(5_000);
  });

  it("a connection that is closed while it waits leaves nothing behind, and the quota's removal ends it all", async () => {
    const slow = await start("producer_byte_rate", 250);
    await produce(slow);
    slow.close();
    await test.client.send(alterClientQuotasApi, 1, {
      entries: [
        {
          entity: [{ entityType: "client-id", entityName: "slow" }],
          ops: [{ key: "producer_byte_rate", value: 0, remove: true }],
        },
      ],
      validateOnly: false,
    });
    const again = test.connect("slow");
    expect((await produce(again)).throttleTimeMs).toBe(0);
    expect((await again.send(apiVersionsApi, 2, {})).throttleTimeMs).toBe(0);
  });
});
