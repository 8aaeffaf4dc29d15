import { Admin } from "@ottla/admin";
import { startBroker } from "@ottla/broker-app";
import {
  consumerGroupDescribeApi,
  deleteGroupsApi,
  describeGroupsApi,
  findCoordinatorApi,
  leaveGroupApi,
  listGroupsApi,
  offsetDeleteApi,
  type RequestInput,
} from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KAFKA_VERSION } from "../../../tools/fetch/external-programs.mjs";
import { kafkaClassPath } from "../harness/external.ts";
import { GroupHand, nameOf, type Topic } from "../harness/group-hand.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";

/** The same settings for both. Live groups stay in their protocol: migrating them is later work of ours. */
const SETTINGS = {
  "group.initial.rebalance.delay.ms": "0",
  "group.max.size": "2",
  "group.consumer.max.size": "2",
  "offset.metadata.max.bytes": "100",
};

const NOWHERE: Topic = { name: "nowhere", id: "AAAAAAAAAAAAAAAAAAAAAQ" };
const GARBAGE = new Uint8Array([9]);
const INSTANCE = "instance";

type Kind = "classic" | "static" | "consumer" | "static consumer";
type Row = readonly [what: string, group: Kind, expected: string, run: (hand: GroupHand) => Promise<string>];

const code = async (answer: Promise<{ readonly errorCode: number }>) => nameOf((await answer).errorCode);

const JOIN_GROUP: readonly Row[] = [
  ["an empty group id", "classic", "INVALID_GROUP_ID", (hand) => code(hand.join({ groupId: "" }))],
  ["too short a session", "classic", "INVALID_SESSION_TIMEOUT", (hand) => code(hand.join({ sessionTimeoutMs: 1 }))],
  [
    "too long a session",
    "classic",
    "INVALID_SESSION_TIMEOUT",
    (hand) => code(hand.join({ sessionTimeoutMs: 2 ** 30 })),
  ],
  ["an unknown member", "classic", "UNKNOWN_MEMBER_ID", (hand) => code(hand.join({ memberId: "nobody" }))],
  ["no member id yet", "classic", "MEMBER_ID_REQUIRED", (hand) => code(hand.join())],
  ["no protocols", "classic", "INCONSISTENT_GROUP_PROTOCOL", (hand) => code(hand.join({ protocols: [] }))],
  ["no protocol type", "classic", "INCONSISTENT_GROUP_PROTOCOL", (hand) => code(hand.join({ protocolType: "" }))],
  ["another protocol type", "classic", "INCONSISTENT_GROUP_PROTOCOL", (hand) => code(hand.join({ protocolType: "c" }))],
  [
    "no protocol that the others have",
    "classic",
    "INCONSISTENT_GROUP_PROTOCOL",
    (hand) => code(hand.join({ protocols: [{ name: "mine", metadata: GARBAGE }] })),
  ],
  [
    "the same, in an old version",
    "classic",
    "INCONSISTENT_GROUP_PROTOCOL",
    (hand) => code(hand.join({ protocols: [{ name: "mine", metadata: GARBAGE }] }, 2)),
  ],
  [
    "an unknown member in a group that does not exist",
    "classic",
    "UNKNOWN_MEMBER_ID",
    (hand) => code(hand.join({ groupId: "nowhere", memberId: "nobody" })),
  ],
  [
    "another member's instance id",
    "static",
    "FENCED_INSTANCE_ID",
    (hand) => code(hand.join({ memberId: "nobody", groupInstanceId: INSTANCE })),
  ],
  [
    "an unknown instance id with a member id",
    "static",
    "UNKNOWN_MEMBER_ID",
    (hand) => code(hand.join({ memberId: hand.memberId, groupInstanceId: "other" })),
  ],
  [
    "a protocol type that is not the consumer's, in a group of the consumer protocol",
    "consumer",
    "INCONSISTENT_GROUP_PROTOCOL",
    (hand) => code(hand.join({ protocolType: "connect" })),
  ],
];

const SYNC_GROUP: readonly Row[] = [
  ["an empty group id", "classic", "INVALID_GROUP_ID", (hand) => code(hand.sync({ groupId: "" }))],
  ["an unknown group", "classic", "UNKNOWN_MEMBER_ID", (hand) => code(hand.sync({ groupId: "nowhere" }))],
  ["an unknown member", "classic", "UNKNOWN_MEMBER_ID", (hand) => code(hand.sync({ memberId: "nobody" }))],
  ["a past generation", "classic", "ILLEGAL_GENERATION", (hand) => code(hand.sync({ generationId: hand.epoch - 1 }))],
  [
    "a generation to come",
    "classic",
    "ILLEGAL_GENERATION",
    (hand) => code(hand.sync({ generationId: hand.epoch + 1 })),
  ],
  [
    "a generation to come, in an old version",
    "classic",
    "ILLEGAL_GENERATION",
    (hand) => code(hand.sync({ generationId: hand.epoch + 1 }, 0)),
  ],
  [
    "another protocol type",
    "classic",
    "INCONSISTENT_GROUP_PROTOCOL",
    (hand) => code(hand.sync({ protocolType: "connect" })),
  ],
  ["another protocol", "classic", "INCONSISTENT_GROUP_PROTOCOL", (hand) => code(hand.sync({ protocolName: "mine" }))],
  ["another member's instance id", "static", "FENCED_INSTANCE_ID", (hand) => code(hand.sync({ memberId: "nobody" }))],
  ["an unknown instance id", "static", "UNKNOWN_MEMBER_ID", (hand) => code(hand.sync({ groupInstanceId: "other" }))],
  ["a group of the consumer protocol", "consumer", "UNKNOWN_MEMBER_ID", (hand) => code(hand.sync())],
];

const HEARTBEAT: readonly Row[] = [
  ["an empty group id", "classic", "INVALID_GROUP_ID", (hand) => hand.heartbeat({ groupId: "" })],
  ["an unknown group", "classic", "UNKNOWN_MEMBER_ID", (hand) => hand.heartbeat({ groupId: "nowhere" })],
  ["an unknown member", "classic", "UNKNOWN_MEMBER_ID", (hand) => hand.heartbeat({ memberId: "nobody" })],
  ["a past generation", "classic", "ILLEGAL_GENERATION", (hand) => hand.heartbeat({ generationId: hand.epoch - 1 })],
  ["a generation to come", "classic", "ILLEGAL_GENERATION", (hand) => hand.heartbeat({ generationId: hand.epoch + 1 })],
  ["the same, in version 0", "classic", "ILLEGAL_GENERATION", (hand) => hand.heartbeat({ generationId: 99 }, 0)],
  ["another member's instance id", "static", "FENCED_INSTANCE_ID", (hand) => hand.heartbeat({ memberId: "nobody" })],
  ["an unknown instance id", "static", "UNKNOWN_MEMBER_ID", (hand) => hand.heartbeat({ groupInstanceId: "other" })],
  ["a group of the consumer protocol", "consumer", "UNKNOWN_MEMBER_ID", (hand) => hand.heartbeat()],
];

type Leaving = NonNullable<RequestInput<typeof leaveGroupApi>["members"]>;

/** LeaveGroup: the error of the whole, and of each member. */
async function leave(hand: GroupHand, members: Leaving, groupId = hand.groupId): Promise<string> {
  const answer = await hand.ask(leaveGroupApi, 5, { groupId, members });
  return [answer, ...answer.members].map(({ errorCode }) => nameOf(errorCode)).join();
}

const nobody = { memberId: "nobody" };

const LEAVE_GROUP: readonly Row[] = [
  ["an empty group id", "classic", "INVALID_GROUP_ID", (hand) => leave(hand, [nobody], "")],
  ["an unknown group", "classic", "NONE,UNKNOWN_MEMBER_ID", (hand) => leave(hand, [nobody], "nowhere")],
  ["an unknown member", "classic", "NONE,UNKNOWN_MEMBER_ID", (hand) => leave(hand, [nobody])],
  [
    "the same, in version 0",
    "classic",
    "UNKNOWN_MEMBER_ID",
    (hand) => code(hand.ask(leaveGroupApi, 0, { groupId: hand.groupId, memberId: "nobody" })),
  ],
  [
    "several unknown members",
    "classic",
    "NONE,UNKNOWN_MEMBER_ID,UNKNOWN_MEMBER_ID",
    (hand) => leave(hand, [nobody, { memberId: "nobody either" }]),
  ],
  ["no members", "classic", "NONE", (hand) => leave(hand, [])],
  [
    "another member's instance id",
    "static",
    "NONE,FENCED_INSTANCE_ID",
    (hand) => leave(hand, [{ ...nobody, groupInstanceId: INSTANCE }]),
  ],
  [
    "an unknown instance id",
    "static",
    "NONE,UNKNOWN_MEMBER_ID",
    (hand) => leave(hand, [{ memberId: "", groupInstanceId: "other" }]),
  ],
  ["an unknown member of the consumer protocol", "consumer", "NONE,UNKNOWN_MEMBER_ID", (hand) => leave(hand, [nobody])],
];

const OFFSET_COMMIT: readonly Row[] = [
  [
    "an empty group id, which old clients have",
    "classic",
    "NONE",
    (hand) => hand.commit({ groupId: "", memberId: "", generationIdOrMemberEpoch: -1 }),
  ],
  ["an unknown member", "classic", "UNKNOWN_MEMBER_ID", (hand) => hand.commit({ memberId: "nobody" })],
  [
    "a past generation",
    "classic",
    "ILLEGAL_GENERATION",
    (hand) => hand.commit({ generationIdOrMemberEpoch: hand.epoch - 1 }),
  ],
  [
    "a generation to come",
    "classic",
    "ILLEGAL_GENERATION",
    (hand) => hand.commit({ generationIdOrMemberEpoch: hand.epoch + 1 }),
  ],
  [
    "nobody's, while the group has members",
    "classic",
    "UNKNOWN_MEMBER_ID",
    (hand) => hand.commit({ memberId: "", generationIdOrMemberEpoch: -1 }),
  ],
  ["another member's instance id", "static", "FENCED_INSTANCE_ID", (hand) => hand.commit({ memberId: "nobody" })],
  ["an unknown instance id", "static", "UNKNOWN_MEMBER_ID", (hand) => hand.commit({ groupInstanceId: "other" })],
  ["a member of no group", "classic", "GROUP_ID_NOT_FOUND", (hand) => hand.commit({ groupId: "nowhere" })],
  [
    "the same, in an old version",
    "classic",
    "ILLEGAL_GENERATION",
    (hand) => hand.commit({ groupId: "nowhere" }, { version: 8 }),
  ],
  [
    "metadata that is too large",
    "classic",
    "OFFSET_METADATA_TOO_LARGE",
    (hand) => hand.commit({}, { metadata: "m".repeat(101) }),
  ],
  ["an unknown topic", "classic", "UNKNOWN_TOPIC_OR_PARTITION", (hand) => hand.commit({}, { topic: NOWHERE })],
  ["an unknown topic id", "classic", "UNKNOWN_TOPIC_ID", (hand) => hand.commit({}, { version: 10, topic: NOWHERE })],
  ["an unknown partition", "classic", "UNKNOWN_TOPIC_OR_PARTITION", (hand) => hand.commit({}, { partition: 99 })],
  ["a negative partition", "classic", "UNKNOWN_TOPIC_OR_PARTITION", (hand) => hand.commit({}, { partition: -1 })],
  ["an unknown member of the consumer protocol", "consumer", "UNKNOWN_MEMBER_ID", (hand) => hand.commit(nobody)],
  [
    "a past epoch",
    "consumer",
    "STALE_MEMBER_EPOCH",
    (hand) => hand.commit({ generationIdOrMemberEpoch: 0 }, { partition: 0 }),
  ],
  [
    "an epoch to come",
    "consumer",
    "STALE_MEMBER_EPOCH",
    (hand) => hand.commit({ generationIdOrMemberEpoch: hand.epoch + 1 }),
  ],
  ["a version that knows no epochs", "consumer", "UNSUPPORTED_VERSION", (hand) => hand.commit({}, { version: 8 })],
  [
    "nobody's, while the group of the consumer protocol has members",
    "consumer",
    "UNKNOWN_MEMBER_ID",
    (hand) => hand.commit({ memberId: "", generationIdOrMemberEpoch: -1 }),
  ],
];

const OFFSET_FETCH: readonly Row[] = [
  ["an empty group id, which old clients have", "classic", "NONE 9", (hand) => hand.fetch({ groupId: "" })],
  ["an unknown group", "classic", "NONE -1", (hand) => hand.fetch({ groupId: "nowhere" })],
  ["an unknown topic", "classic", "NONE -1", (hand) => hand.fetch({}, { topic: NOWHERE })],
  ["an unknown topic id", "classic", "UNKNOWN_TOPIC_ID -1", (hand) => hand.fetch({}, { version: 10, topic: NOWHERE })],
  ["an unknown partition", "classic", "NONE -1", (hand) => hand.fetch({}, { partition: 99 })],
  [
    "an unknown member",
    "consumer",
    "UNKNOWN_MEMBER_ID",
    (hand) => hand.fetch({ memberId: "nobody", memberEpoch: hand.epoch }),
  ],
  [
    "a past epoch",
    "consumer",
    "STALE_MEMBER_EPOCH",
    (hand) => hand.fetch({ memberId: hand.memberId, memberEpoch: hand.epoch - 1 }),
  ],
  [
    "an epoch to come",
    "consumer",
    "STALE_MEMBER_EPOCH",
    (hand) => hand.fetch({ memberId: hand.memberId, memberEpoch: hand.epoch + 1 }),
  ],
];

/** OffsetDelete: the error of the whole, and of the partition. */
async function deleteOffset(hand: GroupHand, { groupId = hand.groupId, topic = hand.topic.name, partition = 0 } = {}) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition }] }];
  const answer = await hand.ask(offsetDeleteApi, 0, { groupId, topics });
  const errors = [answer, ...answer.topics.flatMap(({ partitions }) => partitions)];
  return errors.map(({ errorCode }) => nameOf(errorCode)).join();
}

const OFFSET_DELETE: readonly Row[] = [
  ["an empty group id", "classic", "INVALID_GROUP_ID", (hand) => deleteOffset(hand, { groupId: "" })],
  ["an unknown group", "classic", "GROUP_ID_NOT_FOUND", (hand) => deleteOffset(hand, { groupId: "nowhere" })],
  ["a topic that members read", "classic", "NONE,GROUP_SUBSCRIBED_TO_TOPIC", (hand) => deleteOffset(hand)],
  [
    "a topic that members of the consumer protocol read",
    "consumer",
    "NONE,GROUP_SUBSCRIBED_TO_TOPIC",
    (hand) => deleteOffset(hand),
  ],
  [
    "an unknown topic",
    "classic",
    "NONE,UNKNOWN_TOPIC_OR_PARTITION",
    (hand) => deleteOffset(hand, { topic: "nowhere" }),
  ],
  [
    "an unknown partition",
    "classic",
    "NONE,UNKNOWN_TOPIC_OR_PARTITION",
    (hand) => deleteOffset(hand, { partition: 99 }),
  ],
];

async function deleteGroups(hand: GroupHand, ...groupsNames: readonly string[]): Promise<string> {
  const { results } = await hand.ask(deleteGroupsApi, 2, { groupsNames });
  return groupsNames.map((id) => nameOf(results.find(({ groupId }) => groupId === id)!.errorCode)).join();
}

const DELETE_GROUPS: readonly Row[] = [
  ["an empty group id, which has offsets", "classic", "NONE", (hand) => deleteGroups(hand, "")],
  ["an unknown group", "classic", "GROUP_ID_NOT_FOUND", (hand) => deleteGroups(hand, "nowhere")],
  ["a group with members", "classic", "NON_EMPTY_GROUP", (hand) => deleteGroups(hand, hand.groupId)],
  [
    "a group of the consumer protocol with members",
    "consumer",
    "NON_EMPTY_GROUP",
    (hand) => deleteGroups(hand, hand.groupId),
  ],
  ["several", "classic", "NON_EMPTY_GROUP,GROUP_ID_NOT_FOUND", (hand) => deleteGroups(hand, hand.groupId, "nowhere")],
];

async function describeGroup(hand: GroupHand, groupId: string, version = 6): Promise<string> {
  const { groups } = await hand.ask(describeGroupsApi, version, {
    groups: [groupId],
    includeAuthorizedOperations: false,
  });
  return `${nameOf(groups[0]!.errorCode)} ${groups[0]!.groupState}`;
}

const DESCRIBE_GROUPS: readonly Row[] = [
  ["an empty group id", "classic", "GROUP_ID_NOT_FOUND Dead", (hand) => describeGroup(hand, "")],
  ["an unknown group", "classic", "GROUP_ID_NOT_FOUND Dead", (hand) => describeGroup(hand, "nowhere")],
  ["an unknown group, in an old version", "classic", "NONE Dead", (hand) => describeGroup(hand, "nowhere", 5)],
  [
    "a group of the consumer protocol",
    "consumer",
    "GROUP_ID_NOT_FOUND Dead",
    (hand) => describeGroup(hand, hand.groupId),
  ],
  [
    "a group of the consumer protocol, in an old version",
    "consumer",
    "NONE Dead",
    (hand) => describeGroup(hand, hand.groupId, 5),
  ],
];

async function describeConsumerGroup(hand: GroupHand, groupId: string): Promise<string> {
  const { groups } = await hand.ask(consumerGroupDescribeApi, 1, {
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  });
  return nameOf(groups[0]!.errorCode);
}

const CONSUMER_GROUP_DESCRIBE: readonly Row[] = [
  ["an empty group id", "consumer", "INVALID_GROUP_ID", (hand) => describeConsumerGroup(hand, "")],
  ["an unknown group", "consumer", "GROUP_ID_NOT_FOUND", (hand) => describeConsumerGroup(hand, "nowhere")],
  [
    "a group of the classic protocol",
    "classic",
    "GROUP_ID_NOT_FOUND",
    (hand) => describeConsumerGroup(hand, hand.groupId),
  ],
];

/** ListGroups: the error, and whether this group is among what is listed. */
async function list(hand: GroupHand, statesFilter: readonly string[], typesFilter: readonly string[]): Promise<string> {
  const { errorCode, groups } = await hand.ask(listGroupsApi, 5, { statesFilter, typesFilter });
  return `${nameOf(errorCode)} ${groups.some(({ groupId }) => groupId === hand.groupId)}`;
}

const LIST_GROUPS: readonly Row[] = [
  ["an unknown state", "classic", "NONE false", (hand) => list(hand, ["Sleepy"], [])],
  ["a state in other letters", "classic", "NONE true", (hand) => list(hand, ["sTaBlE"], [])],
  ["an unknown type", "classic", "NONE false", (hand) => list(hand, [], ["sleepy"])],
  ["a type in other letters", "classic", "NONE true", (hand) => list(hand, [], ["CLASSIC"])],
  ["the other type", "classic", "NONE false", (hand) => list(hand, [], ["consumer"])],
];

const CONSUMER_GROUP_HEARTBEAT: readonly Row[] = [
  ["an empty group id", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerHeartbeat({ groupId: "" }))],
  ["an empty member id", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerHeartbeat({ memberId: "" }))],
  ["an empty instance id", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerHeartbeat({ instanceId: "" }))],
  ["an empty rack", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerHeartbeat({ rackId: "" }))],
  ["an epoch below -2", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerHeartbeat({ memberEpoch: -3 }))],
  [
    "an epoch that only static members have",
    "consumer",
    "INVALID_REQUEST",
    (hand) => code(hand.consumerHeartbeat({ memberEpoch: -2 })),
  ],
  [
    "no rebalance timeout",
    "consumer",
    "INVALID_REQUEST",
    (hand) => code(hand.consumerJoin({ rebalanceTimeoutMs: -1 })),
  ],
  ["no subscription", "consumer", "INVALID_REQUEST", (hand) => code(hand.consumerJoin({ subscribedTopicNames: null }))],
  [
    "no word of what it has",
    "consumer",
    "INVALID_REQUEST",
    (hand) => code(hand.consumerJoin({ topicPartitions: null })),
  ],
  [
    "partitions that a newcomer has already",
    "consumer",
    "INVALID_REQUEST",
    (hand) => code(hand.consumerJoin({ topicPartitions: [{ topicId: hand.topic.id, partitions: [0] }] })),
  ],
  ["an empty assignor", "consumer", "UNSUPPORTED_ASSIGNOR", (hand) => code(hand.consumerJoin({ serverAssignor: "" }))],
  [
    "an unknown assignor",
    "consumer",
    "UNSUPPORTED_ASSIGNOR",
    (hand) => code(hand.consumerJoin({ serverAssignor: "mine" })),
  ],
  [
    "a regular expression that is none",
    "consumer",
    "INVALID_REGULAR_EXPRESSION",
    (hand) => code(hand.consumerJoin({ subscribedTopicRegex: "(" })),
  ],
  [
    "a regular expression that RE2 does not know",
    "consumer",
    "INVALID_REGULAR_EXPRESSION",
    (hand) => code(hand.consumerJoin({ subscribedTopicRegex: "(a)\\1" })),
  ],
  ["an unknown member", "consumer", "UNKNOWN_MEMBER_ID", (hand) => code(hand.consumerHeartbeat(nobody))],
  [
    "an unknown group",
    "consumer",
    "GROUP_ID_NOT_FOUND",
    (hand) => code(hand.consumerHeartbeat({ groupId: "nowhere" })),
  ],
  [
    "a past epoch",
    "consumer",
    "FENCED_MEMBER_EPOCH",
    (hand) =>
      code(
        hand.consumerHeartbeat({
          memberEpoch: hand.epoch - 1,
          topicPartitions: [{ topicId: NOWHERE.id, partitions: [0] }],
        }),
      ),
  ],
  [
    "an epoch to come",
    "consumer",
    "FENCED_MEMBER_EPOCH",
    (hand) => code(hand.consumerHeartbeat({ memberEpoch: hand.epoch + 1 })),
  ],
  [
    "leaving without being there",
    "consumer",
    "UNKNOWN_MEMBER_ID",
    (hand) => code(hand.consumerHeartbeat({ ...nobody, memberEpoch: -1 })),
  ],
  [
    "an instance id whose holder has not left",
    "static consumer",
    "UNRELEASED_INSTANCE_ID",
    (hand) => code(hand.consumerJoin({ instanceId: INSTANCE })),
  ],
  [
    "another member's instance id",
    "static consumer",
    "FENCED_INSTANCE_ID",
    (hand) => code(hand.consumerHeartbeat(nobody)),
  ],
  [
    "an unknown instance id",
    "static consumer",
    "UNKNOWN_MEMBER_ID",
    (hand) => code(hand.consumerHeartbeat({ instanceId: "other" })),
  ],
  [
    "a group of the classic protocol with members",
    "classic",
    "GROUP_ID_NOT_FOUND",
    (hand) => code(hand.consumerJoin()),
  ],
];

async function find(hand: GroupHand, keyType: number, keys: readonly string[], version = 6): Promise<string> {
  if (version < 4) return code(hand.ask(findCoordinatorApi, version, { key: keys[0]!, keyType }));
  const { coordinators } = await hand.ask(findCoordinatorApi, version, { keyType, coordinatorKeys: keys });
  return coordinators.map(({ errorCode }) => nameOf(errorCode)).join();
}

const FIND_COORDINATOR: readonly Row[] = [
  ["an empty group id", "classic", "NONE", (hand) => find(hand, 0, [""])],
  ["a kind that does not exist", "classic", "INVALID_REQUEST", (hand) => find(hand, 9, [hand.groupId])],
  ["the same, in an old version", "classic", "INVALID_REQUEST", (hand) => find(hand, 9, [hand.groupId], 3)],
  ["a negative kind", "classic", "INVALID_REQUEST", (hand) => find(hand, -1, [hand.groupId])],
  ["no keys", "classic", "", (hand) => find(hand, 0, [])],
  ["a group that does not exist yet", "classic", "NONE,NONE", (hand) => find(hand, 0, [hand.groupId, "nowhere"])],
];

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  JoinGroup: JOIN_GROUP,
  SyncGroup: SYNC_GROUP,
  Heartbeat: HEARTBEAT,
  LeaveGroup: LEAVE_GROUP,
  OffsetCommit: OFFSET_COMMIT,
  OffsetFetch: OFFSET_FETCH,
  OffsetDelete: OFFSET_DELETE,
  DeleteGroups: DELETE_GROUPS,
  DescribeGroups: DESCRIBE_GROUPS,
  ListGroups: LIST_GROUPS,
  ConsumerGroupHeartbeat: CONSUMER_GROUP_HEARTBEAT,
  ConsumerGroupDescribe: CONSUMER_GROUP_DESCRIBE,
  FindCoordinator: FIND_COORDINATOR,
};

interface Target {
  readonly bootstrapServers: string;
  stop(): Promise<unknown>;
}

const targets: readonly (readonly [name: string, isAbsent: boolean, start: () => Promise<Target>])[] = [
  [
    "our broker",
    false,
    async () => {
      const broker = await startBroker({ port: 0, memory: true, config: SETTINGS });
      return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
    },
  ],
  [
    `Apache Kafka ${KAFKA_VERSION}`,
    kafkaClassPath === null,
    () => KafkaProcess.start({ ...SETTINGS, "group.consumer.migration.policy": "disabled" }),
  ],
];

for (const [name, isAbsent, start] of targets) {
  describe.skipIf(isAbsent)(`bad input of group APIs: ${name}`, () => {
    let target: Target;
    let connection: BrokerConnection;
    let topic: Topic;
    let count = 0;

    const open = (kind: Kind): Promise<GroupHand> => {
      const groupId = `g-${++count}`;
      const instanceId = kind.startsWith("static") ? INSTANCE : null;
      if (kind.endsWith("consumer")) return GroupHand.consumer(connection, topic, groupId, instanceId);
      return GroupHand.classic(connection, topic, groupId, instanceId);
    };

    beforeAll(async () => {
      target = await start();
      await using admin = new Admin({ bootstrapServers: target.bootstrapServers });
      const [created] = await admin.createTopics([{ name: "bad-input", partitions: 2 }]);
      topic = { name: "bad-input", id: created!.topicId };
      const runtime = createSystemRuntime();
      const address = parseAddress(target.bootstrapServers);
      connection = await BrokerConnection.open({
        connector: createDefaultConnector(runtime),
        runtime,
        address,
        clientId: "hand",
      });
      await connection.request(findCoordinatorApi, { keyType: 0, coordinatorKeys: ["any"] }, { version: 6 });
    }, 120_000);

    afterAll(async () => {
      connection?.close();
      await target?.stop();
    });

    for (const [api, rows] of Object.entries(TABLES)) {
      describe(api, () => {
        it.each(rows)("%s (%s group): %s", async (_what, kind, expected, run) => {
          const hand = await open(kind);
          expect(await run(hand)).toBe(expected);
          await hand.expectUnharmed();
        });
      });
    }

    it("JoinGroup: metadata that nobody can read is carried, and stands for any topic", async () => {
      const hand = await open("classic");
      const groupId = `${hand.groupId}-garbage`;
      const protocols = [{ name: "range", metadata: GARBAGE }];
      const { memberId } = await hand.join({ groupId, protocols });
      const joined = await hand.join({ groupId, memberId, protocols });
      expect([nameOf(joined.errorCode), joined.members[0]!.metadata]).toEqual(["NONE", GARBAGE]);
      const assignments = [{ memberId, assignment: GARBAGE }];
      const synced = await hand.sync({ groupId, memberId, generationId: joined.generationId, assignments });
      expect([nameOf(synced.errorCode), synced.assignment]).toEqual(["NONE", GARBAGE]);
      expect(await describeGroup(hand, groupId)).toBe("NONE Stable");
      expect(await deleteOffset(hand, { groupId })).toBe("NONE,GROUP_SUBSCRIBED_TO_TOPIC");
      await hand.expectUnharmed();
    });

    it("a member too many of the consumer protocol is refused", async () => {
      const hand = await open("consumer");
      expect(await code(hand.consumerJoin({ memberId: "second" }))).toBe("NONE");
      expect(await code(hand.consumerJoin({ memberId: "third" }))).toBe("GROUP_MAX_SIZE_REACHED");
      await hand.expectUnharmed();
    });
  });
}
