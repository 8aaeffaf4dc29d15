import { ErrorCode, type OffsetCommitRequest, type TxnOffsetCommitRequest } from "@ottla/protocol";
import type { OffsetFetchGroup } from "../group-requests.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { ConsumerMember } from "./consumer-member.ts";

/** The first version whose generation may be a member epoch. */
const MEMBER_EPOCH_VERSION = 9;

/** Whether a member of the consumer protocol, or while there is none somebody else, may commit these offsets. */
export function checkConsumerCommit(group: ConsumerGroup, request: OffsetCommitRequest, apiVersion: number): number {
  const { memberId, generationIdOrMemberEpoch: epoch } = request;
  if (epoch < 0 && group.isEmpty) return ErrorCode.NONE;
  const member = group.members.get(memberId);
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (apiVersion < MEMBER_EPOCH_VERSION) return ErrorCode.UNSUPPORTED_VERSION;
  if (epoch === member.epoch) return ErrorCode.NONE;
  return epoch < member.epoch && hasOwnedSince(member, request, epoch) ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH;
}

/**
 * A member that has not heard of its new epoch yet may commit for partitions that were its own at the old one and are
 * so still (KIP-1251).
 */
function hasOwnedSince(member: ConsumerMember, { topics }: OffsetCommitRequest, epoch: number): boolean {
  return topics.every(({ topicId, partitions }) => {
    const assigned = member.assigned.get(topicId);
    const revoked = member.pendingRevocation.get(topicId);
    return partitions.every(({ partitionIndex }) => {
      const since = assigned?.get(partitionIndex) ?? revoked?.get(partitionIndex);
      return since !== undefined && since <= epoch;
    });
  });
}

/**
 * Whether offsets may be committed in a transaction; a producer that names no member is fenced by its own epoch alone.
 * As in Kafka, an old member epoch is an old generation here: producers abort on that, and know no stale member epoch.
 */
export function checkConsumerTxnCommit(group: ConsumerGroup, request: TxnOffsetCommitRequest): number {
  const { generationId: epoch, memberId, groupInstanceId } = request;
  const isAnonymous = memberId === "" && groupInstanceId === null;
  if (epoch < 0 && (isAnonymous || group.isEmpty)) return ErrorCode.NONE;
  const member = group.members.get(memberId);
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  return epoch === member.epoch ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}

/** Whether somebody who says that it is a member may read the group's offsets; who says nothing may. */
export function checkConsumerFetch(group: ConsumerGroup, { memberId, memberEpoch }: OffsetFetchGroup): number {
  if (memberId === null && memberEpoch < 0) return ErrorCode.NONE;
  const member = group.members.get(memberId ?? "");
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  return memberEpoch === member.epoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH;
}
