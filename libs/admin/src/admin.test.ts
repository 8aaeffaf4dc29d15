import { FakeCluster } from "@ottla/client/test-support";
import {
  type ApiDefinition,
  alterReplicaLogDirsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteTopicsApi,
  describeConfigsApi,
  describeLogDirsApi,
  describeTopicPartitionsApi,
  ErrorCode,
  electLeadersApi,
  findCoordinatorApi,
  listGroupsApi,
  listOffsetsApi,
  offsetCommitApi,
  unregisterBrokerApi,
  writeTxnMarkersApi,
} from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { Admin, PartialFailureError } from "./index.ts";

let cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanUp) await clean();
  cleanUp = [];
});

function setUp(brokers = 2) {
  const runtime = createSimulatedRuntime(3);
  const cluster = new FakeCluster({ runtime, brokers, topics: { orders: 2 } });
  const { connector, bootstrapServers } = cluster;
  const admin = new Admin({ bootstrapServers, connector, runtime });
  const within = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    for (let passedMs = 0; !isSettled && passedMs < 120_000; passedMs += 10) await runtime.advance(10);
    return await promise;
  };
  const failure = async (promise: Promise<unknown>): Promise<PartialFailureError> => {
    const error = await within(promise.catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(PartialFailureError);
    return error as PartialFailureError;
  };
  cleanUp.push(() => within(admin.close()));
  return { cluster, admin, runtime, within, failure };
}

function calls(cluster: FakeCluster, api: ApiDefinition): number {
  return cluster.requestCounts.get(api.name) ?? 0;
}

function createdTopic(name: string, errorCode: number) {
  return { name, errorCode, errorMessage: null, numPartitions: 1, replicationFactor: 1 };
}

describe("what a retry heals", () => {
  test("a topic whose creation went to a broker that is not the controller is asked for again", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(createTopicsApi, ({ topics }) => {
      const errorCode = calls(cluster, createTopicsApi) < 3 ? ErrorCode.NOT_CONTROLLER : 0;
      return { throttleTimeMs: 0, topics: topics.map(({ name }) => createdTopic(name, errorCode)) };
    });
    expect(await within(admin.createTopics([{ name: "t" }]))).toMatchObject([{ name: "t", partitions: 1 }]);
    expect(calls(cluster, createTopicsApi)).toBe(3);
  });

  describe("what a quota refuses", () => {
    const { NONE, THROTTLING_QUOTA_EXCEEDED, INVALID_PARTITIONS } = ErrorCode;

    /** The first topic of each request is created, one called "wrong" never is, and the others are refused. */
    const createOneAtATime = (cluster: FakeCluster, throttleTimeMs: number) => {
      const asked: string[][] = [];
      cluster.handle(createTopicsApi, ({ topics }) => {
        asked.push(topics.map(({ name }) => name));
        const codeOf = (name: string, index: number) => {
          if (name === "wrong") return INVALID_PARTITIONS;
          return index === 0 ? NONE : THROTTLING_QUOTA_EXCEEDED;
        };
        const isAll = topics.length === 1;
        return {
          throttleTimeMs: isAll ? 0 : throttleTimeMs,
          topics: topics.map(({ name }, index) => createdTopic(name, codeOf(name, index))),
        };
      });
      return asked;
    };
    const named = (...names: string[]) => names.map((name) => ({ name }));

    test("is asked for again, alone, when its time has come, and answered in its place", async () => {
      const { cluster, admin, runtime, within } = setUp();
      const asked = createOneAtATime(cluster, 3_000);
      const startedAtMs = runtime.clock.monotonicMs();
      const created = await within(admin.createTopics(named("a", "b", "c")));
      expect(created.map(({ name }) => name)).toEqual(["a", "b", "c"]);
      expect(asked).toEqual([["a", "b", "c"], ["b", "c"], ["c"]]);
      expect(runtime.clock.monotonicMs() - startedAtMs).toBeGreaterThanOrEqual(6_000);
    });

    test("does not hide what else failed", async () => {
      const { cluster, admin, failure } = setUp();
      createOneAtATime(cluster, 10);
      const { failures, results } = await failure(admin.createTopics(named("a", "wrong", "c")));
      expect(failures).toMatchObject([{ resource: "wrong", error: { code: "INVALID_PARTITIONS" } }]);
      expect(results).toMatchObject([{ name: "a" }, { name: "c" }]);
    });

    test.each([
      ["at once where it is not to be tried again", 3_000, { retryOnQuotaViolation: false }],
      ["at once where the call has no time for it", 30_000, { timeoutMs: 20_000 }],
    ])("fails %s", async (_, throttleTimeMs, options) => {
      const { cluster, admin, failure, runtime } = setUp();
      const asked = createOneAtATime(cluster, throttleTimeMs);
      const startedAtMs = runtime.clock.monotonicMs();
      const error = await failure(admin.createTopics(named("a", "b"), options));
      expect(error).toMatchObject({ code: "THROTTLING_QUOTA_EXCEEDED", results: [{ name: "a" }] });
      expect(error.message).toContain(`used up for ${throttleTimeMs} ms`);
      expect(asked).toEqual([["a", "b"]]);
      expect(runtime.clock.monotonicMs() - startedAtMs).toBeLessThan(3_000);
    });

    test("is deleted and increased later, too", async () => {
      const { cluster, admin, within } = setUp();
      const outcome = (api: ApiDefinition) => (calls(cluster, api) < 2 ? THROTTLING_QUOTA_EXCEEDED : NONE);
      cluster.handle(deleteTopicsApi, ({ topics }) => ({
        throttleTimeMs: 1_000,
        responses: topics.map(({ name }) => ({ name, errorCode: outcome(deleteTopicsApi), errorMessage: null })),
      }));
      cluster.handle(createPartitionsApi, ({ topics }) => ({
        throttleTimeMs: 1_000,
        results: topics.map(({ name }) => ({ name, errorCode: outcome(createPartitionsApi), errorMessage: null })),
      }));
      await within(admin.deleteTopics(["t"]));
      await within(admin.createPartitions([{ topic: "t", count: 3 }]));
      expect(calls(cluster, deleteTopicsApi)).toBe(2);
      expect(calls(cluster, createPartitionsApi)).toBe(2);
    });
  });

  test("a group whose coordinator moved is looked up again", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(deleteGroupsApi, ({ groupsNames }) => {
      const errorCode = calls(cluster, deleteGroupsApi) < 2 ? ErrorCode.NOT_COORDINATOR : 0;
      return { throttleTimeMs: 0, results: groupsNames.map((groupId) => ({ groupId, errorCode })) };
    });
    await within(admin.deleteGroups(["g"]));
    expect(cluster.requestCounts.get("FindCoordinator")).toBe(2);
  });

  test("offsets are committed at the new coordinator when it moved", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(offsetCommitApi, () => {
      const errorCode = calls(cluster, offsetCommitApi) < 2 ? ErrorCode.NOT_COORDINATOR : 0;
      return { topics: [{ name: "orders", partitions: [{ partitionIndex: 0, errorCode }] }] };
    });
    await within(admin.alterGroupOffsets("billing", [{ topic: "orders", partition: 0, offset: 3 }]));
    expect(calls(cluster, findCoordinatorApi)).toBe(2);
  });

  test("offsets are asked of the new leader when leadership moved", async () => {
    const { cluster, admin, within } = setUp();
    const asked: number[] = [];
    cluster.handle(listOffsetsApi, ({ topics }, brokerId) => {
      asked.push(brokerId);
      if (asked.length === 1) cluster.moveLeader("orders", 0, 2);
      const errorCode = asked.length === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0;
      return {
        throttleTimeMs: 0,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, offset: 42 })),
        })),
      };
    });
    const found = await within(
      admin.listOffsets([{ topic: "orders", partition: 0, spec: "latest" }], { isolationLevel: "read_committed" }),
    );
    expect(found).toMatchObject([{ topic: "orders", partition: 0, offset: 42 }]);
    expect(asked).toEqual([1, 2]);
  });

  test("offsets that a new leader does not know yet are asked for until it does, or the time is over", async () => {
    const { cluster, admin, within } = setUp();
    let isKnown = false;
    cluster.handle(listOffsetsApi, ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: isKnown ? ErrorCode.NONE : ErrorCode.OFFSET_NOT_AVAILABLE,
          offset: 42,
        })),
      })),
    }));
    const query = { topic: "orders", partition: 0, spec: "latest" } as const;
    const error = await within(admin.listOffsets([query], { timeoutMs: 5_000 }).catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: "REQUEST_TIMED_OUT", cause: { code: "OFFSET_NOT_AVAILABLE" } });
    expect((error as Error).message).toMatch(
      /^listOffsets took longer than 5000 ms\. The last failure was: orders-0: /,
    );
    expect(calls(cluster, listOffsetsApi)).toBeGreaterThan(5);

    const asked = admin.listOffsets([query]);
    const known = within(asked);
    isKnown = true;
    expect(await known).toMatchObject([{ offset: 42 }]);
  });

  test("a connection that breaks each time is what is told when the time is over", async () => {
    const { cluster, admin, within } = setUp();
    cluster.faultOf = ({ apiName }) => (apiName === "ListOffsets" ? { kind: "lostRequest" } : undefined);
    const asked = admin.listOffsets([{ topic: "orders", partition: 0, spec: "latest" }], { timeoutMs: 5_000 });
    const error = await within(asked.catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: "REQUEST_TIMED_OUT", cause: { code: "NETWORK_EXCEPTION" } });
    expect((error as Error).message).toMatch(
      /^listOffsets took longer than 5000 ms\. The last failure was: .*fake:9093/,
    );
  });
});

describe("failures", () => {
  test("name each resource and its error, in the broker's words", async () => {
    const { cluster, admin, failure } = setUp();
    cluster.handle(createTopicsApi, () => ({
      throttleTimeMs: 0,
      topics: [
        createdTopic("good", 0),
        { ...createdTopic("bad", ErrorCode.POLICY_VIOLATION), errorMessage: "no more than 3 partitions here" },
        createdTopic("old", ErrorCode.TOPIC_ALREADY_EXISTS),
      ],
    }));
    const error = await failure(admin.createTopics([{ name: "good" }, { name: "bad" }, { name: "old" }]));
    expect(error.code).toBe("POLICY_VIOLATION");
    expect(error.message).toBe("bad: no more than 3 partitions here (2 of 3 failed; see error.failures)");
    expect(error.operation).toBe("createTopics");
    expect(error.failures.map((one) => [one.resource, one.error.code])).toEqual([
      ["bad", "POLICY_VIOLATION"],
      ["old", "TOPIC_ALREADY_EXISTS"],
    ]);
  });

  test("of a topic that does not exist come at once", async () => {
    const { admin, failure } = setUp();
    expect((await failure(admin.describeTopics(["orders", "no-such"]))).failures).toMatchObject([
      { resource: "no-such", error: { code: "UNKNOWN_TOPIC_OR_PARTITION" } },
    ]);
    expect(
      (await failure(admin.listOffsets([{ topic: "orders", partition: 9, spec: "latest" }]))).failures,
    ).toMatchObject([{ resource: "orders-9" }]);
  });
});

describe("topics of any size", () => {
  test("are described page by page, in the order asked for, whatever the pages", async () => {
    const { cluster, admin, within } = setUp();
    cluster.createTopic("large", 7);
    cluster.createTopic("a-small-one", 1);
    const names = ["orders", "large", "a-small-one"];
    for (const partitionsPerResponse of [1, 2, 3, 7, 10, 2_000]) {
      const progress: number[] = [];
      const described = await within(
        admin.describeTopics(names, { partitionsPerResponse, onProgress: ({ completed }) => progress.push(completed) }),
      );
      expect(described.map(({ name, partitions }) => [name, partitions.map(({ partition }) => partition)])).toEqual([
        ["orders", [0, 1]],
        ["large", [0, 1, 2, 3, 4, 5, 6]],
        ["a-small-one", [0]],
      ]);
      expect(progress).toHaveLength(Math.ceil(10 / partitionsPerResponse));
      expect(progress.at(-1)).toBe(3);
    }
  });

  test("a broker whose pages do not go on is not asked for ever", async () => {
    const { cluster, admin, within } = setUp();
    const nextCursor = { topicName: "orders", partitionIndex: 0 };
    cluster.handle(describeTopicPartitionsApi, () => ({ throttleTimeMs: 0, topics: [], nextCursor }));
    const error = await within(admin.describeTopics(["orders"]).catch((reason: Error) => reason));
    expect(error).toMatchObject({ message: expect.stringContaining("do not go on") });
  });

  test("many are created a few hundred at a time; what failed is told in the end, with what the others gave", async () => {
    const { cluster, admin, failure } = setUp();
    cluster.handle(createTopicsApi, ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name }) => createdTopic(name, name === "t700" ? ErrorCode.TOPIC_ALREADY_EXISTS : 0)),
    }));
    const progress: unknown[] = [];
    const error = await failure(
      admin.createTopics(
        Array.from({ length: 1_200 }, (_, index) => ({ name: `t${index}` })),
        { onProgress: (now) => progress.push(now) },
      ),
    );
    expect(error.failures.map(({ resource }) => resource)).toEqual(["t700"]);
    expect(error.results).toHaveLength(1_199);
    expect(progress).toEqual([500, 1_000, 1_200].map((completed) => ({ completed, total: 1_200 })));
  });
});

describe("offsets", () => {
  test.each(["newest", undefined, 5, { timestampMs: "now" }])("%o is no offset to ask for", async (spec) => {
    const { admin } = setUp();
    const partition = { topic: "orders", partition: 0 };
    const asked = admin.listOffsets([{ ...partition, spec: spec as never }]);
    await expect(asked).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/one of latest/),
    });
    if (spec === 5) return;
    const deletion = admin.deleteRecords([{ ...partition, beforeOffset: spec as never }]);
    await expect(deletion).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("one partition may be asked for several of them", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(listOffsetsApi, ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => {
        expect(new Set(partitions.map(({ partitionIndex }) => partitionIndex)).size).toBe(partitions.length);
        return {
          name,
          partitions: partitions.map(({ partitionIndex, timestamp }) => {
            return { partitionIndex, errorCode: 0, offset: timestamp === -1 ? 90 : 10 };
          }),
        };
      }),
    }));
    const at = { topic: "orders", partition: 0 };
    const found = await within(
      admin.listOffsets([
        { ...at, spec: "latest" },
        { ...at, spec: "earliest" },
        { ...at, spec: "latest" },
      ]),
    );
    expect(found.map(({ offset }) => offset)).toEqual([90, 10, 90]);
  });
});

describe("who is asked", () => {
  test("a broker for its own configs, any broker for the rest", async () => {
    const { cluster, admin, within } = setUp();
    const asked: [number, string[]][] = [];
    cluster.handle(describeConfigsApi, ({ resources }, brokerId) => {
      asked.push([brokerId, resources.map(({ resourceName }) => resourceName)]);
      const results = resources.map(({ resourceType, resourceName }) => {
        return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs: [] };
      });
      return { throttleTimeMs: 0, results };
    });
    await within(admin.listTopics());
    await within(
      admin.describeConfigs([
        { type: "broker", name: "2" },
        { type: "topic", name: "orders" },
      ]),
    );
    expect(asked).toContainEqual([2, ["2"]]);
    expect(asked.flatMap(([, names]) => names)).toContain("orders");
  });

  test("every broker for its groups", async () => {
    const { cluster, admin, within } = setUp(3);
    cluster.handle(listGroupsApi, (_, brokerId) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      groups: [{ groupId: `group-${brokerId}`, protocolType: "consumer", groupState: "Stable" }],
    }));
    const groups = await within(admin.listGroups());
    expect(groups.map(({ groupId }) => groupId)).toEqual(["group-1", "group-2", "group-3"]);
  });

  test("nobody, for no topics", async () => {
    const { cluster, admin, within } = setUp();
    expect(await within(admin.describeTopics([]))).toEqual([]);
    expect(cluster.requestCounts.size).toBe(0);
  });
});

describe("log directories of replicas", () => {
  const PATHS = ["/a", "/b"];

  function withReplicas() {
    const fixture = setUp();
    const asked: [broker: number, path: string, partitions: readonly number[]][] = [];
    fixture.cluster.handle(describeLogDirsApi, ({ topics }, broker) => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      results: PATHS.map((logDir, index) => ({
        errorCode: broker === 2 && index === 1 ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE,
        logDir,
        topics: (topics ?? []).map(({ topic, partitions }) => ({
          name: topic,
          partitions: partitions
            .filter((partition) => index === 0 || (broker === 1 && partition === 1))
            .map((partitionIndex) => {
              return { partitionIndex, partitionSize: 10, offsetLag: index * 7, isFutureKey: index === 1 };
            }),
        })),
      })),
    }));
    fixture.cluster.handle(alterReplicaLogDirsApi, ({ dirs }, broker) => {
      for (const { path, topics } of dirs) for (const { partitions } of topics) asked.push([broker, path, partitions]);
      const results = dirs.flatMap(({ path, topics }) =>
        topics.map(({ name: topicName, partitions }) => ({
          topicName,
          partitions: partitions.map((partitionIndex) => {
            return { partitionIndex, errorCode: path === "/b" ? ErrorCode.LOG_DIR_NOT_FOUND : ErrorCode.NONE };
          }),
        })),
      );
      return { throttleTimeMs: 0, results };
    });
    return { ...fixture, asked };
  }

  const replica = (broker: number, partition: number) => ({ topic: "orders", partition, broker });

  test("are asked of the replicas' brokers, and told in the order of the question", async () => {
    const { admin, within, cluster } = withReplicas();
    const described = await within(admin.describeReplicaLogDirs([replica(2, 0), replica(1, 1), replica(2, 1)]));
    expect(described).toEqual([
      { ...replica(2, 0), current: { path: "/a", offsetLag: 0 }, future: null },
      { ...replica(1, 1), current: { path: "/a", offsetLag: 0 }, future: { path: "/b", offsetLag: 7 } },
      { ...replica(2, 1), current: { path: "/a", offsetLag: 0 }, future: null },
    ]);
    expect(calls(cluster, describeLogDirsApi)).toBe(2);
  });

  test("are changed with one request for each broker; failures are told for each replica", async () => {
    const { admin, failure, asked } = withReplicas();
    const error = await failure(
      admin.alterReplicaLogDirs([
        { ...replica(1, 0), path: "/a" },
        { ...replica(1, 1), path: "/b" },
        { ...replica(2, 1), path: "/a" },
        { ...replica(1, 2), path: "/a" },
      ]),
    );
    expect(error.failures).toMatchObject([{ resource: "orders-1 on broker 1", error: { code: "LOG_DIR_NOT_FOUND" } }]);
    expect(asked.sort()).toEqual([
      [1, "/a", [0, 2]],
      [1, "/b", [1]],
      [2, "/a", [1]],
    ]);
  });
});

describe("elections", () => {
  const at = (partition: number) => ({ topic: "orders", partition });

  function answer(cluster: FakeCluster, codes: readonly number[]) {
    const asked: unknown[] = [];
    cluster.handle(electLeadersApi, ({ electionType, topicPartitions }) => {
      asked.push([electionType, topicPartitions]);
      const partitionResult = codes.map((errorCode, partitionId) => ({ partitionId, errorCode, errorMessage: null }));
      return { throttleTimeMs: 0, errorCode: 0, replicaElectionResults: [{ topic: "orders", partitionResult }] };
    });
    return asked;
  }

  test("of partitions, or of all, tell who has another leader", async () => {
    const { cluster, admin, within } = setUp();
    const asked = answer(cluster, [0, 0]);
    expect(await within(admin.electLeaders("preferred", [at(0), at(1)]))).toEqual([at(0), at(1)]);
    expect(await within(admin.electLeaders("unclean", null))).toEqual([at(0), at(1)]);
    expect(asked).toEqual([
      [0, [{ topic: "orders", partitions: [0, 1] }]],
      [1, null],
    ]);
  });

  test("fail for each partition", async () => {
    const { cluster, admin, failure } = setUp();
    answer(cluster, [0, ErrorCode.ELECTION_NOT_NEEDED]);
    expect(await failure(admin.electLeaders("preferred", [at(0), at(1)]))).toMatchObject({
      failures: [{ resource: "orders-1", error: { code: "ELECTION_NOT_NEEDED" } }],
      results: [at(0)],
    });
  });

  test("and the end of a broker are asked for again where the controller has moved", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(electLeadersApi, () => ({
      throttleTimeMs: 0,
      errorCode: calls(cluster, electLeadersApi) < 3 ? ErrorCode.NOT_CONTROLLER : 0,
      replicaElectionResults: [],
    }));
    const forgotten: number[] = [];
    cluster.handle(unregisterBrokerApi, ({ brokerId }) => {
      forgotten.push(brokerId);
      const errorCode = forgotten.length < 2 ? ErrorCode.NOT_CONTROLLER : 0;
      return { throttleTimeMs: 0, errorCode, errorMessage: null };
    });
    expect(await within(admin.electLeaders("preferred", null))).toEqual([]);
    expect(calls(cluster, electLeadersApi)).toBe(3);
    await within(admin.unregisterBroker(2));
    expect(forgotten).toEqual([2, 2]);
  });

  test("a broker that is not registered is what the controller says", async () => {
    const { cluster, admin, within } = setUp();
    cluster.handle(unregisterBrokerApi, () => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
      errorMessage: "Broker ID 9 is not currently registered",
    }));
    const error = await within(admin.unregisterBroker(9).catch((reason: unknown) => reason));
    expect(error).toMatchObject({
      code: "BROKER_ID_NOT_REGISTERED",
      message: expect.stringContaining("Broker ID 9 is not currently registered"),
    });
  });
});

test("a transaction that hangs is aborted by the leader of its partition, wherever that has moved", async () => {
  const { cluster, admin, within, failure } = setUp();
  const asked: unknown[] = [];
  let refusal: number = ErrorCode.NONE;
  cluster.handle(writeTxnMarkersApi, ({ markers }, broker) => {
    const [{ producerId, producerEpoch, coordinatorEpoch, transactionResult }] = markers as [(typeof markers)[number]];
    asked.push([broker, producerId, producerEpoch, coordinatorEpoch, transactionResult]);
    if (asked.length === 1) cluster.moveLeader("orders", 0, 2);
    const errorCode = asked.length === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : refusal;
    return { markers: [{ producerId, topics: [{ name: "orders", partitions: [{ partitionIndex: 0, errorCode }] }] }] };
  });
  const open = { topic: "orders", partition: 0, producerId: 7, producerEpoch: 3, coordinatorEpoch: -1 };
  await within(admin.abortTransaction(open));
  expect(asked).toEqual([
    [1, 7, 3, 0, false],
    [2, 7, 3, 0, false],
  ]);
  refusal = ErrorCode.INVALID_PRODUCER_EPOCH;
  expect((await failure(admin.abortTransaction(open))).failures).toMatchObject([
    { resource: "orders-0", error: { code: "INVALID_PRODUCER_EPOCH" } },
  ]);
});
