import { ErrorCode, heartbeatApi, KafkaError, listGroupsApi, metadataApi } from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { ClusterClient } from "./cluster-client.ts";
import type { ClientOptions } from "./options.ts";
import { FakeCluster } from "./test-support/fake-cluster.ts";

const COMPONENT = { component: "The test", allowAutoTopicCreation: false };
const LIST_GROUPS = { throttleTimeMs: 0, errorCode: 0, groups: [] };

let cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanUp) await clean();
  cleanUp = [];
});

function setUp(options: Partial<ClientOptions> = {}, brokers = 2) {
  const runtime = createSimulatedRuntime(7);
  const cluster = new FakeCluster({ runtime, brokers, topics: { orders: 3 } });
  const { connector, bootstrapServers } = cluster;
  const client = new ClusterClient({ bootstrapServers, connector, runtime, ...options }, COMPONENT);
  cleanUp.push(() => client.close());
  return { runtime, cluster, client };
}

/** Lets time pass until the promise has settled. */
async function within<T>(runtime: SimulatedRuntime, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let passedMs = 0; !isSettled && passedMs < limitMs; passedMs += 10) await runtime.advance(10);
  if (!isSettled) throw new Error(`not settled within ${limitMs} ms`);
  return await promise;
}

async function rejection(runtime: SimulatedRuntime, promise: Promise<unknown>): Promise<KafkaError> {
  const error = await within(
    runtime,
    promise.then(
      () => new Error("did not reject"),
      (reason: unknown) => reason,
    ),
  );
  expect(error).toBeInstanceOf(KafkaError);
  return error as KafkaError;
}

describe("asking", () => {
  test("gives the response of any broker", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => LIST_GROUPS);
    expect(await within(runtime, client.ask("any", listGroupsApi, {}))).toMatchObject({ groups: [] });
  });

  test("tries a retriable error again, with growing waits", async () => {
    const { runtime, cluster, client } = setUp();
    const arrivedAtMs: number[] = [];
    cluster.handle(listGroupsApi, () => {
      arrivedAtMs.push(runtime.clock.monotonicMs());
      return { ...LIST_GROUPS, errorCode: arrivedAtMs.length < 5 ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : 0 };
    });
    await within(runtime, client.ask("any", listGroupsApi, {}));
    const waitsMs = arrivedAtMs.slice(1).map((atMs, index) => atMs - arrivedAtMs[index]!);
    expect(waitsMs).toHaveLength(4);
    for (const [index, waitMs] of waitsMs.entries()) {
      expect(waitMs).toBeGreaterThanOrEqual(100 * 2 ** index * 0.8);
      expect(waitMs).toBeLessThanOrEqual(Math.min(100 * 2 ** index, 1000) * 1.2);
    }
  });

  test("rejects with an error that is not retriable, at once and with the broker's words", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED }));
    const error = await rejection(runtime, client.ask("any", listGroupsApi, {}));
    expect(error).toMatchObject({ code: "CLUSTER_AUTHORIZATION_FAILED", errno: 31, retriable: false });
    expect(cluster.requestCounts.get("ListGroups")).toBe(1);
  });

  test("gives up after the timeout and says what went wrong last", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }));
    const error = await rejection(runtime, client.ask("any", listGroupsApi, {}, { timeoutMs: 2_000 }));
    expect(error).toMatchObject({ code: "REQUEST_TIMED_OUT", retriable: true });
    expect(error.cause).toMatchObject({ code: "COORDINATOR_NOT_AVAILABLE" });
    expect(error.message).toContain("ListGroups took longer than 2000 ms. The last failure was");
  });

  test("says which servers cannot be reached, and backs off meanwhile", async () => {
    const { runtime, cluster, client } = setUp();
    for (const id of cluster.brokerIds) cluster.stop(id);
    const error = await rejection(runtime, client.ask("any", listGroupsApi, {}, { timeoutMs: 10_000 }));
    expect(error.message).toContain("fake:9093");
    expect(error.message).toContain("fake:9094");
    expect(error.message).toContain("bootstrapServers");
  });

  test("an aborted signal ends it, also in the middle of a wait", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }));
    const controller = new AbortController();
    const asked = client.ask("any", listGroupsApi, {}, { signal: controller.signal });
    runtime.timers.schedule(500, () => controller.abort(new Error("enough")));
    const error = await rejection(runtime, asked);
    expect(error.code).toBe("ABORTED");
    expect(error.cause).toMatchObject({ message: "enough" });
  });

  test("one attempt is all, where no retry is wanted", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }));
    const error = await rejection(runtime, client.ask("any", listGroupsApi, {}, { retry: false }));
    expect(error.code).toBe("COORDINATOR_NOT_AVAILABLE");
    expect(cluster.requestCounts.get("ListGroups")).toBe(1);
  });

  test("a throttled connection is left alone for as long as the broker asks", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, throttleTimeMs: 1_500 }));
    await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}));
    const startedAtMs = runtime.clock.monotonicMs();
    await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}));
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeGreaterThanOrEqual(1_490);
  });

  test("a shorter wait that is told later does not end a longer one", async () => {
    const { runtime, cluster, client } = setUp();
    const waitsMs = [0, 2_000, 10];
    cluster.handle(listGroupsApi, () => ({ ...LIST_GROUPS, throttleTimeMs: waitsMs.shift() ?? 0 }));
    await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}));
    const asked = [1, 2].map(() => client.ask({ broker: 1 }, listGroupsApi, {}));
    for (const each of asked) await within(runtime, each);
    const startedAtMs = runtime.clock.monotonicMs();
    await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}));
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeGreaterThanOrEqual(1_900);
  });

  test("a caller's short patience does not cost the others their connection", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(listGroupsApi, async () => {
      await new Promise<void>((resolve) => runtime.timers.schedule(1_000, resolve));
      return LIST_GROUPS;
    });
    const patient = client.ask({ broker: 1 }, listGroupsApi, {});
    const error = await rejection(runtime, client.ask({ broker: 1 }, listGroupsApi, {}, { timeoutMs: 200 }));
    expect(error.code).toBe("REQUEST_TIMED_OUT");
    expect(await within(runtime, patient)).toMatchObject({ groups: [] });
    expect(cluster.requestCounts.get("ListGroups")).toBe(2);
  });

  test("goes on after the broker was away", async () => {
    const { runtime, cluster, client } = setUp({}, 1);
    cluster.handle(listGroupsApi, () => LIST_GROUPS);
    await within(runtime, client.ask("any", listGroupsApi, {}));
    cluster.stop(1);
    const asked = client.ask("any", listGroupsApi, {});
    runtime.timers.schedule(5_000, () => cluster.start(1));
    expect(await within(runtime, asked)).toMatchObject({ groups: [] });
  });

  test("closing ends what is under way with CLOSED", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.faultOf = () => ({ kind: "silence" });
    const asked = rejection(runtime, client.ask("any", listGroupsApi, {}));
    runtime.timers.schedule(100, () => void client.close());
    expect((await asked).code).toBe("CLOSED");
  });

  test("after closing, everything rejects with CLOSED and no timer is left", async () => {
    const { runtime, client } = setUp();
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    await client.close();
    expect((await rejection(runtime, client.ask("any", listGroupsApi, {}))).code).toBe("CLOSED");
    await runtime.settle();
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("metadata", () => {
  test("a topic is asked for once by all who want it at the same time", async () => {
    const { runtime, cluster, client } = setUp();
    const views = await within(
      runtime,
      Promise.all(Array.from({ length: 10 }, () => client.metadata.topic("orders", client.deadline("test")))),
    );
    expect(views[0]!.partitions.map(({ leader }) => leader)).toEqual([1, 2, 1]);
    expect(cluster.requestCounts.get("Metadata")).toBeLessThanOrEqual(2);
  });

  test("a topic that is new to the client is asked for without waiting", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.createTopic("other", 1);
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    const startedAtMs = runtime.clock.monotonicMs();
    await within(runtime, client.metadata.topic("other", client.deadline("test")));
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeLessThan(50);
  });

  test("waits for a topic until it is there", async () => {
    const { runtime, cluster, client } = setUp();
    const topic = client.metadata.topic("late", client.deadline("test"));
    runtime.timers.schedule(3_000, () => cluster.createTopic("late", 1));
    expect((await within(runtime, topic)).partitions).toHaveLength(1);
  });

  test("a topic that never comes is said to be unknown", async () => {
    const { runtime, client } = setUp();
    const error = await rejection(
      runtime,
      client.metadata.topic("no", client.deadline("Looking", { timeoutMs: 1_000 })),
    );
    expect(error.cause).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
    expect(error.message).toContain('Topic "no"');
  });

  test("a topic that may not be read is an error at once", async () => {
    const { runtime, cluster, client } = setUp();
    cluster.handle(metadataApi, () => ({
      brokers: [{ nodeId: 1, host: "fake", port: 9093 }],
      topics: [{ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, name: "secret", partitions: [] }],
    }));
    const error = await rejection(runtime, client.metadata.topic("secret", client.deadline("test")));
    expect(error.code).toBe("TOPIC_AUTHORIZATION_FAILED");
    expect(cluster.requestCounts.get("Metadata")).toBe(1);
  });

  test("requests to refresh are coalesced and kept apart by the backoff", async () => {
    const { runtime, cluster, client } = setUp();
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    cluster.requestCounts.clear();
    for (let elapsedMs = 0; elapsedMs < 1_000; elapsedMs += 5) {
      client.metadata.requestRefresh();
      await runtime.advance(5);
    }
    expect(cluster.requestCounts.get("Metadata")).toBeGreaterThan(5);
    expect(cluster.requestCounts.get("Metadata")).toBeLessThanOrEqual(13);
  });

  test("is refreshed unasked once it is old", async () => {
    const { runtime, cluster, client } = setUp({ metadataMaxAgeMs: 10_000 });
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    cluster.moveLeader("orders", 0, 2);
    await runtime.advance(11_000);
    expect(client.metadata.view.topics.get("orders")!.partitions[0]).toMatchObject({ leader: 2, leaderEpoch: 1 });
  });

  test("is refreshed after a broker has not answered: another one may lead what it led", async () => {
    const { runtime, cluster, client } = setUp({ requestTimeoutMs: 1_000 });
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    cluster.faultOf = ({ brokerId }) => (brokerId === 1 ? { kind: "silence" } : undefined);
    cluster.moveLeader("orders", 0, 2);
    expect((await rejection(runtime, client.ask({ broker: 1 }, listGroupsApi, {}, { retry: false }))).errno).toBe(7);
    await runtime.advance(3_000);
    expect(client.metadata.view.topics.get("orders")!.partitions[0]).toMatchObject({ leader: 2, leaderEpoch: 1 });
  });

  test("an idle client without topics asks for nothing", async () => {
    const { runtime, cluster, client } = setUp({ metadataMaxAgeMs: 1_000 });
    cluster.handle(listGroupsApi, () => LIST_GROUPS);
    await within(runtime, client.ask("any", listGroupsApi, {}));
    cluster.requestCounts.clear();
    await runtime.advance(60_000);
    expect(cluster.requestCounts.size).toBe(0);
  });
});

describe("coordinators", () => {
  test("one that moved is found again", async () => {
    const { runtime, cluster, client } = setUp();
    let calls = 0;
    cluster.handle(heartbeatApi, () => ({ throttleTimeMs: 0, errorCode: calls++ < 2 ? ErrorCode.NOT_COORDINATOR : 0 }));
    const request = { groupId: "g", generationId: 1, memberId: "m" };
    await within(runtime, client.ask({ group: "g" }, heartbeatApi, request));
    expect(calls).toBe(3);
    expect(cluster.requestCounts.get("FindCoordinator")).toBe(3);
    await within(runtime, client.ask({ group: "g" }, heartbeatApi, request));
    expect(cluster.requestCounts.get("FindCoordinator")).toBe(3);
  });

  test("one that is gone is replaced by another broker", async () => {
    const { runtime, cluster, client } = setUp();
    const served: number[] = [];
    cluster.handle(heartbeatApi, (_, brokerId) => {
      served.push(brokerId);
      return { throttleTimeMs: 0, errorCode: 0 };
    });
    const request = { groupId: "g", generationId: 1, memberId: "m" };
    await within(runtime, client.ask({ group: "g" }, heartbeatApi, request));
    cluster.stop(1);
    await within(runtime, client.ask({ group: "g" }, heartbeatApi, request));
    expect(served).toEqual([1, 2]);
  });
});

describe("connections", () => {
  test("each purpose has its own to a broker over TCP", async () => {
    const { runtime, client } = setUp();
    await within(runtime, client.metadata.topic("orders", client.deadline("test")));
    const deadline = client.deadline("test");
    const [main, again, fetch] = await within(
      runtime,
      Promise.all([
        client.connection(1, deadline),
        client.connection(1, deadline),
        client.connection(1, deadline, "fetch"),
      ]),
    );
    expect(again).toBe(main);
    expect(fetch).not.toBe(main);
  });

  test("are closed when idle, and opened again when needed", async () => {
    const { runtime, cluster, client } = setUp({ connectionsMaxIdleMs: 5_000, metadataMaxAgeMs: 1_000_000 });
    cluster.handle(listGroupsApi, () => LIST_GROUPS);
    await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}));
    expect(client.openConnection(1)).toBeDefined();
    await runtime.advance(12_000);
    expect(client.openConnection(1)).toBeUndefined();
    expect(await within(runtime, client.ask({ broker: 1 }, listGroupsApi, {}))).toMatchObject({ groups: [] });
  });

  test("a wrong option is refused with its name and what is allowed", () => {
    expect(() => setUp({ requestTimeoutMs: -1 })).toThrow("requestTimeoutMs is -1; it must be a whole number");
    expect(() => setUp({ bootstrapServers: "localhost" })).toThrow("localhost:9092");
    expect(() => setUp({ bootstrapServers: undefined as never })).toThrow("bootstrapServers is undefined");
    expect(() => setUp({ bootstrapServers: [5] as never })).toThrow("bootstrapServers is 5");
    expect(() => setUp({ bootstrapServers: "a:9092,ws://b" })).toThrow("either all");
  });
});
