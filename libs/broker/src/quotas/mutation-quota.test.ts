import {
  alterClientQuotasApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  ErrorCode,
  metadataApi,
  ZERO_UUID,
} from "@ottla/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";
import { TokenBucket } from "./token-bucket.ts";

const WINDOWS = { samples: 11, windowMs: 1_000 };

describe("a token bucket", () => {
  it("holds what the quota allows in all windows, and is filled at its rate", () => {
    const bucket = new TokenBucket();
    expect(bucket.tokens(2, 0, WINDOWS)).toBe(22);
    bucket.take(30, 2, 0, WINDOWS);
    expect(bucket.tokens(2, 1_000, WINDOWS)).toBe(-6);
    expect(bucket.tokens(2, 60_000, WINDOWS)).toBe(22);
  });

  it("is as a new one when it is full again, also where its owner never came back", () => {
    const bucket = new TokenBucket();
    bucket.take(30, 2, 0, WINDOWS);
    expect(bucket.isOver(14_000, WINDOWS)).toBe(false);
    expect(bucket.isOver(15_000, WINDOWS)).toBe(true);
  });

  it("gives back what was not spent after all, and no more", () => {
    const bucket = new TokenBucket();
    bucket.take(5, 2, 0, WINDOWS);
    bucket.take(-5, 2, 0, WINDOWS);
    bucket.take(-5, 2, 0, WINDOWS);
    expect(bucket.tokens(2, 0, WINDOWS)).toBe(22);
  });
});

describe("a client that changes topics faster than its quota", () => {
  let test: TestBroker;
  let client: TestClient;
  afterEach(() => test[Symbol.asyncDispose]());

  /** One partition a second, eleven at once. */
  const start = async (config: Record<string, string> = {}) => {
    test = await TestBroker.start({ config });
    const entity = [{ entityType: "client-id", entityName: "operator" }];
    await test.client.send(alterClientQuotasApi, 1, {
      entries: [{ entity, ops: [{ key: "controller_mutation_rate", value: 1, remove: false }] }],
      validateOnly: false,
    });
    client = test.connect("operator");
  };
  const create = async (version: number, name: string, numPartitions: number, validateOnly = false) => {
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
    const answer = await client.send(createTopicsApi, version, { topics, timeoutMs: 1_000, validateOnly });
    return { errorCode: answer.topics[0]!.errorCode, throttleTimeMs: answer.throttleTimeMs };
  };
  const increase = async (version: number, name: string, count: number) => {
    const topics = [{ name, count, assignments: null }];
    const answer = await client.send(createPartitionsApi, version, { topics, timeoutMs: 1_000, validateOnly: false });
    return { errorCode: answer.results[0]!.errorCode, throttleTimeMs: answer.throttleTimeMs };
  };
  const remove = async (version: number, topicName: string) => {
    const names = version < 6 ? { topicNames: [topicName] } : { topics: [{ name: topicName, topicId: ZERO_UUID }] };
    const answer = await client.send(deleteTopicsApi, version, { ...names, timeoutMs: 1_000 });
    return { errorCode: answer.responses[0]!.errorCode, throttleTimeMs: answer.throttleTimeMs };
  };
  const DONE = { errorCode: ErrorCode.NONE, throttleTimeMs: 0 };

  /** A topic of 16 partitions, and the client 5 of them in debt. */
  const indebted = async () => {
    await start();
    expect(await create(7, "large", 16)).toEqual(DONE);
  };

  it("goes into debt once, and is refused until that is paid, where it knows of that", async () => {
    await indebted();
    const refused = await create(7, "more", 1);
    expect(refused).toEqual({ errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED, throttleTimeMs: 5_000 });
    expect(await test.topicNames()).toEqual(["large"]);
    await test.runtime.advance(refused.throttleTimeMs);
    expect(await create(7, "more", 1)).toEqual(DONE);
  });

  it.each<[string, (version: number) => ReturnType<typeof create>, first: number]>([
    ["CreateTopics", (version) => create(version, "more", 1), 6],
    ["CreatePartitions", (version) => increase(version, "large", 17), 3],
    ["DeleteTopics", (version) => remove(version, "large"), 5],
  ])(
    "%s: what is too much is done and to wait for in old versions, and refused in those that know of that",
    async (_, change, first) => {
      await indebted();
      expect(await change(first)).toMatchObject({ errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED });
      await test.runtime.advance(6_000);
      client = test.connect("operator");
      await create(7, "debt", 11);
      expect(await change(first - 1)).toMatchObject({ errorCode: ErrorCode.NONE, throttleTimeMs: expect.any(Number) });
      const { throttleTimeMs } = await test.connect("operator").send(metadataApi, 12, { topics: [] });
      expect(throttleTimeMs).toBe(0);
    },
  );

  it("is not read from while it waits, and nobody else waits", async () => {
    await indebted();
    await create(5, "more", 1);
    let isAnswered = false;
    const answer = client.send(metadataApi, 12, { topics: [] }).then(() => {
      isAnswered = true;
    });
    await test.runtime.advance(5_900);
    expect(isAnswered).toBe(false);
    expect(await test.topicNames()).toEqual(["large", "more"]);
    await test.runtime.advance(200);
    await answer;
  });

  it("is charged for each topic by itself: those after the one that is too much are refused", async () => {
    await start();
    const topics = ["a", "b", "c"].map((name) => ({
      ...{ name, numPartitions: 8, replicationFactor: 1, assignments: [], configs: [] },
    }));
    const answer = await client.send(createTopicsApi, 7, { topics, timeoutMs: 1_000 });
    const { NONE, THROTTLING_QUOTA_EXCEEDED } = ErrorCode;
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([NONE, NONE, THROTTLING_QUOTA_EXCEEDED]);
  });

  it("is not charged for what is refused anyway", async () => {
    await start();
    for (let i = 0; i < 3; i++) {
      expect(await create(7, "wrong/name", 20)).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION });
      expect(await remove(6, "unknown")).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
      expect(await increase(3, "unknown", 20)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
    }
    expect(await create(7, "right", 1)).toEqual(DONE);
    expect(await increase(3, "right", 1)).toMatchObject({ errorCode: ErrorCode.INVALID_PARTITIONS });
  });

  it("has topics that come into being by themselves counted", async () => {
    await start({ "num.partitions": "12" });
    const ask = async (name: string) => (await client.send(metadataApi, 12, { topics: [{ name }] })).topics[0]!;
    await ask("first");
    expect(await ask("second")).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, partitions: [] });
    expect(await test.topicNames()).toEqual(["first"]);
    await test.runtime.advance(2_000);
    await ask("second");
    expect(await test.topicNames()).toEqual(["first", "second"]);
  });

  it("tells no longer a wait than an answer can", async () => {
    await start();
    await test.client.send(alterClientQuotasApi, 1, {
      entries: [
        {
          entity: [{ entityType: "client-id", entityName: null }],
          ops: [{ key: "controller_mutation_rate", value: 1e-9, remove: false }],
        },
      ],
      validateOnly: false,
    });
    client = test.connect("nobody");
    await create(7, "one", 1);
    expect(await create(7, "two", 1)).toMatchObject({ throttleTimeMs: 2 ** 31 - 1 });
  });
});
