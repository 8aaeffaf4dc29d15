import { leaveGroupApi, type RequestInput } from "@ottla/protocol";
import { type GroupHand, nameOf } from "../../harness/group-hand.ts";
import { code, GARBAGE, INSTANCE, NOWHERE, nobody, type Row } from "./row.ts";

export const JOIN_GROUP: readonly Row[] = [
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

export const SYNC_GROUP: readonly Row[] = [
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

export const HEARTBEAT: readonly Row[] = [
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

export const LEAVE_GROUP: readonly Row[] = [
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

export const CONSUMER_GROUP_HEARTBEAT: readonly Row[] = [
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
