import { test } from "vitest";
import { runSeeds, timeoutOf } from "../run-seeds.ts";
import { faults, GroupSimulation } from "./group-simulation.ts";

const STANDARD_SEEDS = 30;
const STANDARD_MS = 19_000;
/** Known to show all that must happen. */
const FIRST_SEEDS = [6, 15, 4, 5, 17, 14];

/** A run in which one of these never happens proves less than it seems to. */
const MUST_HAPPEN = [
  "settled",
  "record handled again",
  ...faults.map((fault) => `fault ${fault}`),
  ...["ConsumerGroupHeartbeat", "Heartbeat", "JoinGroup", "OffsetCommit"].flatMap((api) => [
    `lost request: ${api}`,
    `lost response: ${api}`,
  ]),
  ...["ConsumerGroupHeartbeat", "JoinGroup", "OffsetCommit"].map((api) => `silent request: ${api}`),
  ...answers("JoinGroup", "MEMBER_ID_REQUIRED", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "GROUP_MAX_SIZE_REACHED"),
  ...answers("SyncGroup", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID"),
  ...answers("Heartbeat", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID"),
  ...answers("ConsumerGroupHeartbeat", "UNKNOWN_MEMBER_ID", "UNRELEASED_INSTANCE_ID"),
  ...answers("ConsumerGroupHeartbeat", "GROUP_MAX_SIZE_REACHED", "NOT_COORDINATOR"),
  ...answers("OffsetCommit", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "NOT_COORDINATOR", "REBALANCE_IN_PROGRESS"),
  ...answers("LeaveGroup", "UNKNOWN_MEMBER_ID"),
  ...["PreparingRebalance -> CompletingRebalance", "CompletingRebalance -> PreparingRebalance"].map(ofClassicGroup),
  ...["CompletingRebalance -> Stable", "Stable -> PreparingRebalance", "Empty -> PreparingRebalance"].map(
    ofClassicGroup,
  ),
  ...["Assigning -> Reconciling", "Reconciling -> Assigning", "Reconciling -> Stable"].map(ofConsumerGroup),
  ...["Stable -> Reconciling", "Stable -> Empty", "Empty -> Stable"].map(ofConsumerGroup),
  ...["joining -> syncing", "syncing -> adopting", "syncing -> joining", "syncing -> revoking"].map(ofClassicMember),
  ...["adopting -> stable", "adopting -> preparing", "stable -> preparing", "revoking -> adopting"].map(
    ofClassicMember,
  ),
  ...["leaving -> suspended", "suspended -> joining", "handlerHangs", "lost", "revoked"].map(ofClassicMember),
  ...["joining -> adopting", "stable -> revoking", "revoking -> adopting", "stable -> preparing"].map(ofConsumerMember),
  ...["leaving -> suspended", "suspended -> joining", "handlerHangs", "lost", "revoked"].map(ofConsumerMember),
  ...["consumerMember", "consumerProgress", "consumerTarget"].map((type) => `record ${type} (tombstone)`),
];

function answers(api: string, ...errors: readonly string[]): string[] {
  return [...errors, "NONE"].map((error) => `${api} answered ${error}`);
}

function ofClassicGroup(transition: string): string {
  return `classic group: ${transition}`;
}

function ofConsumerGroup(transition: string): string {
  return `consumer group: ${transition}`;
}

function ofClassicMember(what: string): string {
  return `classic member: ${what}`;
}

function ofConsumerMember(what: string): string {
  return `consumer member: ${what}`;
}

test(
  "groups of both protocols keep their promises under every kind of fault",
  {
    timeout: timeoutOf(STANDARD_SEEDS),
  },
  () =>
    runSeeds(
      { standard: STANDARD_SEEDS, first: FIRST_SEEDS, mustHappen: MUST_HAPPEN, standardMs: STANDARD_MS },
      (seed, tally) => new GroupSimulation(seed, tally).run(),
    ),
);
