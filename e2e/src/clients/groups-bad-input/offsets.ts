import { offsetDeleteApi } from "@ottla/protocol";
import { type GroupHand, nameOf } from "../../harness/group-hand.ts";
import { NOWHERE, nobody, type Row } from "./row.ts";

export const OFFSET_COMMIT: readonly Row[] = [
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

export const OFFSET_FETCH: readonly Row[] = [
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
export async function deleteOffset(
  hand: GroupHand,
  { groupId = hand.groupId, topic = hand.topic.name, partition = 0 } = {},
) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition }] }];
  const answer = await hand.ask(offsetDeleteApi, 0, { groupId, topics });
  const errors = [answer, ...answer.topics.flatMap(({ partitions }) => partitions)];
  return errors.map(({ errorCode }) => nameOf(errorCode)).join();
}

export const OFFSET_DELETE: readonly Row[] = [
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
