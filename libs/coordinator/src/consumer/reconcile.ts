import type { Uuid } from "@ottla/protocol";
import type { Partitions } from "./assignors/assignor.ts";
import { type ConsumerMember, type MemberProgress, NOTHING_OWNED, type OwnedPartitions } from "./consumer-member.ts";

/** What a member is to be brought to. */
export interface ReconcileTarget {
  readonly epoch: number;
  readonly partitions: Partitions;
  /** The member that has a partition now, or has not given it up yet. */
  readonly ownerOf: (topicId: Uuid, partition: number) => string | undefined;
}

/** Partitions that a client says it owns; null where it says that nothing has changed. */
export type ReportedPartitions = ReadonlyMap<Uuid, ReadonlySet<number>> | null;

/**
 * The next step of a member towards its target assignment. What it is to lose is taken from it first; only when it has
 * said that it reads those no longer does it get new ones, and of these only what nobody else has.
 * @returns the member itself where nothing changes
 */
export function reconcile(
  member: ConsumerMember,
  target: ReconcileTarget,
  reported: ReportedPartitions,
): MemberProgress {
  switch (member.state) {
    case "stable":
      return member.epoch === target.epoch ? member : nextProgress(member, member.epoch, target, reported);
    case "unrevoked":
      if (reported === null || reportsAny(reported, member.pendingRevocation)) return member;
      return nextProgress(member, member.epoch + 1, target, reported);
    case "unreleased":
      return nextProgress(member, member.epoch, target, reported);
  }
}

function nextProgress(
  member: ConsumerMember,
  memberEpoch: number,
  target: ReconcileTarget,
  reported: ReportedPartitions,
): MemberProgress {
  const { kept, lost } = split(member.assigned, target.partitions);
  if (lost.size > 0 && (reported === null || reportsAny(reported, lost))) {
    return progress(member, { epoch: memberEpoch, state: "unrevoked", assigned: kept, pendingRevocation: lost });
  }
  const { owned, isComplete } = withNew(member.memberId, kept, target);
  const state = isComplete ? "stable" : "unreleased";
  return progress(member, { epoch: target.epoch, state, assigned: owned, pendingRevocation: NOTHING_OWNED });
}

/** The epoch before stays valid for one retry: the answer with the new one may be lost on its way. */
function progress(member: ConsumerMember, next: Omit<MemberProgress, "previousEpoch">): MemberProgress {
  const isSame =
    next.epoch === member.epoch &&
    next.state === member.state &&
    sameOwned(next.assigned, member.assigned) &&
    sameOwned(next.pendingRevocation, member.pendingRevocation);
  if (isSame) return member;
  return { ...next, previousEpoch: next.epoch === member.epoch ? member.previousEpoch : member.epoch };
}

function split(assigned: OwnedPartitions, target: Partitions): { kept: OwnedPartitions; lost: OwnedPartitions } {
  const kept = new Map<Uuid, Map<number, number>>();
  const lost = new Map<Uuid, Map<number, number>>();
  for (const [topicId, partitions] of assigned) {
    const wanted = new Set(target.get(topicId));
    for (const [partition, epoch] of partitions) put(wanted.has(partition) ? kept : lost, topicId, partition, epoch);
  }
  return { kept, lost };
}

function withNew(
  memberId: string,
  kept: OwnedPartitions,
  target: ReconcileTarget,
): { owned: OwnedPartitions; isComplete: boolean } {
  const owned = new Map<Uuid, Map<number, number>>();
  let isComplete = true;
  for (const [topicId, partitions] of target.partitions) {
    const before = kept.get(topicId);
    for (const partition of partitions) {
      const epoch = before?.get(partition);
      if (epoch !== undefined) put(owned, topicId, partition, epoch);
      else if (isFree(memberId, topicId, partition, target)) put(owned, topicId, partition, target.epoch);
      else isComplete = false;
    }
  }
  return { owned, isComplete };
}

/** What the member itself was giving up, and has, it may be given back. */
function isFree(memberId: string, topicId: Uuid, partition: number, { ownerOf }: ReconcileTarget): boolean {
  const owner = ownerOf(topicId, partition);
  return owner === undefined || owner === memberId;
}

function put(into: Map<Uuid, Map<number, number>>, topicId: Uuid, partition: number, epoch: number): void {
  const partitions = into.get(topicId);
  if (partitions === undefined) into.set(topicId, new Map([[partition, epoch]]));
  else partitions.set(partition, epoch);
}

function reportsAny(reported: ReadonlyMap<Uuid, ReadonlySet<number>>, owned: OwnedPartitions): boolean {
  for (const [topicId, partitions] of owned) {
    const others = reported.get(topicId);
    if (others === undefined) continue;
    for (const partition of partitions.keys()) if (others.has(partition)) return true;
  }
  return false;
}

/** Whether all that is reported is owned. */
export function isWithin(reported: ReadonlyMap<Uuid, ReadonlySet<number>>, owned: OwnedPartitions): boolean {
  for (const [topicId, partitions] of reported) {
    const has = owned.get(topicId);
    for (const partition of partitions) if (has?.has(partition) !== true) return false;
  }
  return true;
}

/** Whether the same partitions are owned, at whatever epochs they were assigned. */
export function sameOwned(a: OwnedPartitions, b: OwnedPartitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions.keys()) if (!others.has(partition)) return false;
  }
  return true;
}
