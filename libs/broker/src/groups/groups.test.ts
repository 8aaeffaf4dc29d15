import {
  deleteGroupsApi,
  describeGroupsApi,
  ErrorCode,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  metadataApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
} from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { startForTest } from "../test-support/start-for-test.ts";
import type { TestBroker, TestBrokerOptions } from "../test-support/test-broker.ts";
import type { TestClient } from "../test-support/test-client.ts";

/** A broker with a topic `t` of 3 partitions, and the coordinator's topic. */
async function ready(options: TestBrokerOptions = {}) {
  const broker = await startForTest(options);
  const topicId = await broker.createTopic("t", 3);
  const client = broker.connect();
  await client.send(findCoordinatorApi, 0, { key: "g" });
  return { broker, client, topicId };
}

const versions = (min: number, max: number) => Array.from({ length: max - min + 1 }, (_, index) => min + index);

async function join(broker: TestBroker, client: TestClient, options: { version?: number; groupId?: string } = {}) {
  const { version = 9, groupId = "g" } = options;
  const body = {
    groupId,
    sessionTimeoutMs: 10_000,
    ...(version >= 1 && { rebalanceTimeoutMs: 20_000 }),
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array([1, 2]) }],
  };
  const send = async (memberId: string) => {
    const sent = client.send(joinGroupApi, version, { ...body, memberId });
    const [answer] = await Promise.all([sent, broker.runtime.advance(0)]);
    return answer;
  };
  const answer = await send("");
  return answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED ? await send(answer.memberId) : answer;
}

/** A stable group of one member. */
async function stable(broker: TestBroker, client: TestClient, groupId = "g") {
  const { memberId, generationId } = await join(broker, client, { groupId });
  const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
  await client.send(syncGroupApi, 5, { groupId, generationId, memberId, assignments });
  return { memberId, generationId };
}

describe("a broker on its own", () => {
  it("keeps offsets in one replica, whatever is configured for a cluster, and starts a group's first rebalance at once", async () => {
    const { broker, client } = await ready({ config: { "offsets.topic.replication.factor": 3 } });
    const { topics } = await client.send(metadataApi, 9, { topics: [{ name: "__consumer_offsets" }] });
    expect(topics[0]!.partitions[0]!.replicaNodes).toEqual([broker.broker.nodeId]);
    const startedMs = broker.runtime.clock.monotonicMs();
    expect(await join(broker, client)).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(broker.runtime.clock.monotonicMs()).toBe(startedMs);
  });
});

describe("FindCoordinator", () => {
  it.each(versions(0, 3))("v%i tells where one group is, and creates the topic", async (version) => {
    const broker = await startForTest({ config: { "offsets.topic.num.partitions": 50 } });
    const client = broker.connect();
    const found = await client.send(findCoordinatorApi, version, { key: "g" });
    expect(found).toMatchObject({ errorCode: 0, nodeId: broker.broker.nodeId, host: "broker.test", port: 9092 });
    const { topics } = await client.send(metadataApi, 9, { topics: [{ name: "__consumer_offsets" }] });
    expect(topics[0]).toMatchObject({ isInternal: true, errorCode: 0 });
    expect(topics[0]!.partitions).toHaveLength(50);
  });

  it.each(versions(4, 6))("v%i tells of several", async (version) => {
    const broker = await startForTest({ config: { "offsets.topic.num.partitions": 4 } });
    const { coordinators } = await broker.connect().send(findCoordinatorApi, version, { coordinatorKeys: ["a", "b"] });
    const address = { nodeId: broker.broker.nodeId, host: "broker.test", port: 9092, errorCode: 0 };
    expect(coordinators).toMatchObject([
      { key: "a", ...address },
      { key: "b", ...address },
    ]);
  });

  it.each(versions(1, 6))(
    "v%i of a transactional id: the leader of its partition of __transaction_state, which comes into being",
    async (version) => {
      const broker = await startForTest();
      const many = version >= 4;
      const body = { keyType: 1, ...(many ? { coordinatorKeys: ["x"] } : { key: "x" }) };
      const answer = await broker.connect().send(findCoordinatorApi, version, body);
      const [found] = many ? answer.coordinators : [answer];
      expect(found).toMatchObject({ errorCode: 0, nodeId: 1 });
      expect(broker.broker.services.image.topicsByName.get("__transaction_state")!.partitions).toHaveLength(50);
    },
  );

  it("of another type is refused", async () => {
    const answer = await (await startForTest())
      .connect()
      .send(findCoordinatorApi, 6, { keyType: 2, coordinatorKeys: ["g:t:0"] });
    expect(answer.coordinators[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe("a group over the wire", () => {
  it.each(versions(0, 9))("JoinGroup v%i", async (version) => {
    const { broker, client } = await ready();
    const answer = await join(broker, client, { version });
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range", leader: answer.memberId });
    expect(answer.members).toMatchObject([{ memberId: answer.memberId, metadata: new Uint8Array([1, 2]) }]);
    const refused = await client.send(joinGroupApi, version, {
      groupId: "",
      sessionTimeoutMs: 10_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [],
    });
    expect(refused.errorCode).toBe(ErrorCode.INVALID_GROUP_ID);
  });

  it.each(versions(0, 5))("SyncGroup v%i", async (version) => {
    const { broker, client } = await ready();
    const { memberId, generationId } = await join(broker, client);
    const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
    const request = { groupId: "g", generationId, memberId, assignments };
    expect(await client.send(syncGroupApi, version, request)).toMatchObject({
      errorCode: 0,
      assignment: new Uint8Array([7]),
    });
    const unknown = await client.send(syncGroupApi, version, { ...request, memberId: "ghost" });
    expect(unknown).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, assignment: new Uint8Array(0) });
  });

  it.each(versions(0, 4))("Heartbeat v%i", async (version) => {
    const { broker, client } = await ready();
    const { memberId, generationId } = await stable(broker, client);
    const beat = (generation: number) =>
      client.send(heartbeatApi, version, { groupId: "g", generationId: generation, memberId });
    expect((await beat(generationId)).errorCode).toBe(ErrorCode.NONE);
    expect((await beat(generationId + 1)).errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
  });

  it.each(versions(0, 2))("LeaveGroup v%i", async (version) => {
    const { broker, client } = await ready();
    const { memberId } = await stable(broker, client);
    const leave = () => client.send(leaveGroupApi, version, { groupId: "g", memberId });
    expect((await leave()).errorCode).toBe(ErrorCode.NONE);
    expect((await leave()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it.each(versions(3, 5))("LeaveGroup v%i of several members", async (version) => {
    const { broker, client } = await ready();
    const { memberId } = await stable(broker, client);
    const members = [{ memberId }, { memberId: "ghost" }];
    const answer = await client.send(leaveGroupApi, version, { groupId: "g", members });
    expect(answer.errorCode).toBe(ErrorCode.NONE);
    expect(answer.members.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID]);
  });

  it.each(versions(0, 6))("DescribeGroups v%i", async (version) => {
    const { broker, client } = await ready();
    const { memberId } = await stable(broker, client);
    const { groups } = await client.send(describeGroupsApi, version, {
      groups: ["g", "none"],
      ...(version >= 3 && { includeAuthorizedOperations: true }),
    });
    expect(groups[0]).toMatchObject({
      errorCode: 0,
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: [{ memberId, clientId: "test", clientHost: "/client", memberAssignment: new Uint8Array([7]) }],
    });
    expect(groups[1]).toMatchObject({ groupState: "Dead", errorCode: version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : 0 });
    expect(groups[0]!.authorizedOperations).toBe(version >= 3 ? 3400 : -2147483648);
  });

  it.each(versions(0, 5))("ListGroups v%i", async (version) => {
    const { broker, client } = await ready();
    await stable(broker, client, "g");
    await client.send(offsetCommitApi, 2, commitOf("h", "t", 5));
    const { groups } = await client.send(listGroupsApi, version, {});
    const expected = [
      { groupId: "g", protocolType: "consumer", ...(version >= 4 && { groupState: "Stable" }) },
      { groupId: "h", protocolType: "", ...(version >= 5 && { groupType: "classic" }) },
    ];
    expect([...groups].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))).toMatchObject(expected);
    if (version < 4) return;
    const filtered = await client.send(listGroupsApi, version, { statesFilter: ["Stable"] });
    expect(filtered.groups.map(({ groupId }) => groupId)).toEqual(["g"]);
  });
});

function commitOf(groupId: string, name: string, committedOffset: number, partitionIndex = 0) {
  const partitions = [{ partitionIndex, committedOffset, committedMetadata: "m" }];
  return { groupId, memberId: "", topics: [{ name, partitions }] };
}

describe("offsets over the wire", () => {
  it.each(versions(2, 9))("OffsetCommit v%i", async (version) => {
    const { client } = await ready();
    const topics = [...commitOf("g", "none", 1).topics, ...commitOf("g", "t", 5).topics];
    const answer = await client.send(offsetCommitApi, version, { groupId: "g", memberId: "", topics });
    expect(answer.topics).toMatchObject([
      { name: "none", partitions: [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
      { name: "t", partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NONE }] },
    ]);
  });

  it("OffsetCommit v10 goes by topic id", async () => {
    const { client, topicId } = await ready();
    const partitions = [{ partitionIndex: 1, committedOffset: 9, committedMetadata: "" }];
    const other = "AAAAAAAAAAAAAAAAAAAAAQ";
    const answer = await client.send(offsetCommitApi, 10, {
      groupId: "g",
      memberId: "",
      topics: [
        { topicId: other, partitions },
        { topicId, partitions },
      ],
    });
    expect(answer.topics).toMatchObject([
      { topicId: other, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
      { topicId, partitions: [{ errorCode: ErrorCode.NONE }] },
    ]);
    const fetched = await client.send(offsetFetchApi, 7, { groupId: "g", topics: null });
    expect(fetched.topics).toMatchObject([{ name: "t", partitions: [{ partitionIndex: 1, committedOffset: 9 }] }]);
  });

  it.each(versions(1, 7))("OffsetFetch v%i of one group", async (version) => {
    const { client } = await ready();
    await client.send(offsetCommitApi, 8, commitOf("g", "t", 5, 1));
    const topics = [
      { name: "t", partitionIndexes: [0, 1] },
      { name: "none", partitionIndexes: [3] },
    ];
    const answer = await client.send(offsetFetchApi, version, { groupId: "g", topics });
    expect(answer.topics).toMatchObject([
      {
        name: "t",
        partitions: [
          { partitionIndex: 0, committedOffset: -1, metadata: "", errorCode: 0 },
          { partitionIndex: 1, committedOffset: 5, metadata: "m", errorCode: 0 },
        ],
      },
      { name: "none", partitions: [{ partitionIndex: 3, committedOffset: -1, errorCode: 0 }] },
    ]);
    if (version < 2) return;
    const all = await client.send(offsetFetchApi, version, { groupId: "g", topics: null });
    expect(all.topics).toMatchObject([{ name: "t", partitions: [{ partitionIndex: 1, committedOffset: 5 }] }]);
  });

  it.each(versions(8, 10))("OffsetFetch v%i of several groups", async (version) => {
    const { client, topicId } = await ready();
    await client.send(offsetCommitApi, 8, commitOf("g", "t", 5));
    await client.send(offsetCommitApi, 8, commitOf("h", "t", 6));
    const named = version >= 10 ? { topicId } : { name: "t" };
    const unknown = version >= 10 ? { topicId: "AAAAAAAAAAAAAAAAAAAAAQ" } : { name: "none" };
    const { groups } = await client.send(offsetFetchApi, version, {
      groups: [
        {
          groupId: "g",
          topics: [
            { ...unknown, partitionIndexes: [0] },
            { ...named, partitionIndexes: [0] },
          ],
        },
        { groupId: "h", topics: null },
        { groupId: "none", topics: null },
      ],
      requireStable: true,
    });
    const missing = version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.NONE;
    expect(groups).toMatchObject([
      {
        groupId: "g",
        errorCode: 0,
        topics: [
          { ...unknown, partitions: [{ committedOffset: -1, errorCode: missing }] },
          { ...named, partitions: [{ committedOffset: 5, metadata: "m", errorCode: 0 }] },
        ],
      },
      { groupId: "h", errorCode: 0, topics: [{ ...named, partitions: [{ committedOffset: 6 }] }] },
      { groupId: "none", errorCode: 0, topics: [] },
    ]);
  });

  it("OffsetDelete v0", async () => {
    const { client } = await ready();
    await client.send(offsetCommitApi, 8, commitOf("g", "t", 5));
    const topics = ["t", "none"].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] }));
    const answer = await client.send(offsetDeleteApi, 0, { groupId: "g", topics });
    expect(answer).toMatchObject({
      errorCode: 0,
      topics: [
        { name: "t", partitions: [{ errorCode: ErrorCode.NONE }] },
        { name: "none", partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
      ],
    });
    const unknown = await client.send(offsetDeleteApi, 0, { groupId: "none", topics });
    expect(unknown).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] });
  });

  it.each(versions(0, 2))("DeleteGroups v%i", async (version) => {
    const { broker, client } = await ready();
    await client.send(offsetCommitApi, 8, commitOf("g", "t", 5));
    await stable(broker, client, "busy");
    const { results } = await client.send(deleteGroupsApi, version, { groupsNames: ["g", "busy", "none"] });
    expect(results).toEqual([
      { groupId: "g", errorCode: ErrorCode.NONE },
      { groupId: "busy", errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: "none", errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ]);
  });

  it("are in effect for the next request of the same connection, answered or not", async () => {
    const { client } = await ready();
    const requests = [
      client.send(offsetCommitApi, 8, commitOf("g", "t", 1)),
      client.send(offsetCommitApi, 8, commitOf("g", "t", 2)),
      client.send(offsetFetchApi, 5, { groupId: "g", topics: null }),
      client.send(deleteGroupsApi, 2, { groupsNames: ["g"] }),
      client.send(offsetFetchApi, 5, { groupId: "g", topics: null }),
    ] as const;
    const [, , fetched, , afterwards] = await Promise.all(requests);
    expect(fetched.topics).toMatchObject([{ partitions: [{ committedOffset: 2 }] }]);
    expect(afterwards.topics).toEqual([]);
  });

  it("go with their topic", async () => {
    const { broker, client } = await ready();
    await client.send(offsetCommitApi, 8, commitOf("g", "t", 5));
    await broker.deleteTopic("t");
    const { topics } = await client.send(offsetFetchApi, 5, { groupId: "g", topics: null });
    expect(topics).toEqual([]);
  });
});

describe("the coordinator", () => {
  it("appends what came in one turn as one batch", async () => {
    const { broker, client } = await ready({ config: { "offsets.topic.num.partitions": 1 } });
    const log = broker.broker.services.partitions.get("__consumer_offsets", 0)!.log;
    const before = log.logEndOffset;
    const others = Array.from({ length: 20 }, () => broker.connect());
    const batches: number[] = [];
    const stopListening = log.onAdvance(() => batches.push(log.logEndOffset));
    await Promise.all(others.map((other, index) => other.send(offsetCommitApi, 8, commitOf(`g${index}`, "t", index))));
    stopListening();
    expect(log.logEndOffset - before).toBe(20);
    expect(new Set(batches).size).toBe(1);
    const { groups } = await client.send(listGroupsApi, 5, {});
    expect(groups).toHaveLength(20);
  });

  it("sets one timer, however many members it watches", async () => {
    const { broker, client } = await ready({ config: { "offsets.topic.num.partitions": 1 } });
    const before = broker.runtime.pendingTimers;
    for (let group = 0; group < 50; group++) await stable(broker, client, `g${group}`);
    expect(broker.runtime.pendingTimers - before).toBeLessThanOrEqual(0);
  });

  it("ends sessions in time", async () => {
    const { broker, client } = await ready();
    await stable(broker, client);
    await broker.runtime.advance(10_000);
    const { groups } = await client.send(describeGroupsApi, 5, { groups: ["g"] });
    expect(groups[0]).toMatchObject({ groupState: "Empty", members: [] });
  });

  it("knows groups and offsets again after a restart", async () => {
    const { broker, client } = await ready();
    const { memberId, generationId } = await stable(broker, client);
    await client.send(offsetCommitApi, 8, {
      ...commitOf("g", "t", 5),
      memberId,
      generationIdOrMemberEpoch: generationId,
    });
    await broker.broker.shutdown();
    const again = await startForTest({ disk: broker.disk });
    await again.runtime.settle();
    const back = again.connect();
    const beat = await back.send(heartbeatApi, 4, { groupId: "g", generationId, memberId });
    expect(beat.errorCode).toBe(ErrorCode.NONE);
    const { topics } = await back.send(offsetFetchApi, 5, { groupId: "g", topics: null });
    expect(topics).toMatchObject([{ name: "t", partitions: [{ committedOffset: 5, metadata: "m" }] }]);
    const synced = await back.send(syncGroupApi, 5, { groupId: "g", generationId, memberId, assignments: [] });
    expect(synced.assignment).toEqual(new Uint8Array([7]));
  });

  it("does not wait for a client that has gone", async () => {
    const { broker, client } = await ready();
    const { memberId } = await stable(broker, client);
    const gone = broker.connect();
    const waiting = join(broker, gone).catch(() => "closed");
    await broker.runtime.settle();
    gone.close();
    expect(await waiting).toBe("closed");
    const again = client.send(joinGroupApi, 9, {
      groupId: "g",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      memberId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: new Uint8Array([1]) }],
    });
    expect(await again).toMatchObject({ errorCode: 0, generationId: 2, leader: memberId });
  });

  it("answers whoever waits when the broker stops", async () => {
    const { broker, client } = await ready({ config: { "group.initial.rebalance.delay.ms": 60_000 } });
    const waiting = join(broker, client);
    await broker.runtime.settle();
    const [{ errorCode }] = await Promise.all([waiting, broker.broker.shutdown()]);
    expect(errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it("says that it is not the one while there is no coordinator's topic", async () => {
    const client = (await startForTest()).connect();
    const answer = await client.send(heartbeatApi, 4, { groupId: "g", generationId: 1, memberId: "m" });
    expect(answer.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(await client.send(listGroupsApi, 5, {})).toMatchObject({ errorCode: 0, groups: [] });
    const fetched = await client.send(offsetFetchApi, 1, {
      groupId: "g",
      topics: [{ name: "t", partitionIndexes: [0] }],
    });
    expect(fetched.topics[0]!.partitions[0]).toMatchObject({
      errorCode: ErrorCode.NOT_COORDINATOR,
      committedOffset: -1,
    });
  });
});
