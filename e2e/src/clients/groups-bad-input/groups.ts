import {
  consumerGroupDescribeApi,
  deleteGroupsApi,
  describeGroupsApi,
  findCoordinatorApi,
  listGroupsApi,
} from "@ottla/protocol";
import { type GroupHand, nameOf } from "../../harness/group-hand.ts";
import { code, type Row } from "./row.ts";

async function deleteGroups(hand: GroupHand, ...groupsNames: readonly string[]): Promise<string> {
  const { results } = await hand.ask(deleteGroupsApi, 2, { groupsNames });
  return groupsNames.map((id) => nameOf(results.find(({ groupId }) => groupId === id)!.errorCode)).join();
}

export const DELETE_GROUPS: readonly Row[] = [
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

export async function describeGroup(hand: GroupHand, groupId: string, version = 6): Promise<string> {
  const { groups } = await hand.ask(describeGroupsApi, version, {
    groups: [groupId],
    includeAuthorizedOperations: false,
  });
  return `${nameOf(groups[0]!.errorCode)} ${groups[0]!.groupState}`;
}

export const DESCRIBE_GROUPS: readonly Row[] = [
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

export const CONSUMER_GROUP_DESCRIBE: readonly Row[] = [
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

export const LIST_GROUPS: readonly Row[] = [
  ["an unknown state", "classic", "NONE false", (hand) => list(hand, ["Sleepy"], [])],
  ["a state in other letters", "classic", "NONE true", (hand) => list(hand, ["sTaBlE"], [])],
  ["an unknown type", "classic", "NONE false", (hand) => list(hand, [], ["sleepy"])],
  ["a type in other letters", "classic", "NONE true", (hand) => list(hand, [], ["CLASSIC"])],
  ["the other type", "classic", "NONE false", (hand) => list(hand, [], ["consumer"])],
];

async function find(hand: GroupHand, keyType: number, keys: readonly string[], version = 6): Promise<string> {
  if (version < 4) return code(hand.ask(findCoordinatorApi, version, { key: keys[0]!, keyType }));
  const { coordinators } = await hand.ask(findCoordinatorApi, version, { keyType, coordinatorKeys: keys });
  return coordinators.map(({ errorCode }) => nameOf(errorCode)).join();
}

export const FIND_COORDINATOR: readonly Row[] = [
  ["an empty group id", "classic", "NONE", (hand) => find(hand, 0, [""])],
  ["a kind that does not exist", "classic", "INVALID_REQUEST", (hand) => find(hand, 9, [hand.groupId])],
  ["the same, in an old version", "classic", "INVALID_REQUEST", (hand) => find(hand, 9, [hand.groupId], 3)],
  ["a negative kind", "classic", "INVALID_REQUEST", (hand) => find(hand, -1, [hand.groupId])],
  ["no keys", "classic", "", (hand) => find(hand, 0, [])],
  ["a group that does not exist yet", "classic", "NONE,NONE", (hand) => find(hand, 0, [hand.groupId, "nowhere"])],
];
