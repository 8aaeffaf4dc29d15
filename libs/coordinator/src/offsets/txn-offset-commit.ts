import { ErrorCode, type TxnOffsetCommitRequest, ZERO_UUID } from "@ottla/protocol";
import { checkTxnOffsetCommit } from "../classic/classic-validation.ts";
import { keepSessionAlive } from "../classic/sessions.ts";
import { checkConsumerTxnCommit } from "../consumer/offset-checks.ts";
import type { GroupRequest, TxnOffsetCommitAnswer } from "../group-requests.ts";
import type { Group } from "../groups.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { commitOne } from "./offset-commit.ts";

type TxnOffsetCommit = Extract<GroupRequest, { type: "txnOffsetCommit" }>;
type EndTransaction = Extract<GroupRequest, { type: "endTransaction" }>;

/** TxnOffsetCommit: offsets that are pending until the transaction's marker comes. */
export function commitTransactionalOffsets(
  context: CoordinatorContext,
  step: Step,
  { request, topicIds, ticket }: TxnOffsetCommit,
): void {
  const { groupId, memberId, producerId, producerEpoch } = request;
  const group = context.groups.get(groupId);
  const refusal = refuseCommit(group, request);
  if (refusal !== ErrorCode.NONE) {
    step.reply(ticket, txnOffsetCommitError(request, refusal));
    return;
  }
  if (group?.type === "classic") keepSessionAlive(context, step, group, memberId);
  step.transaction = { producerId, producerEpoch };
  const answer = eachPartition(request, (topic, partition) =>
    commitOne(context, step, groupId, {
      topic: topic.name,
      topicId: topicIds.get(topic.name) ?? ZERO_UUID,
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata,
      retentionMs: -1,
    }),
  );
  step.replyAfterOwnRecords(ticket, answer, (errorCode) => txnOffsetCommitError(request, errorCode));
}

function refuseCommit(group: Group | undefined, request: TxnOffsetCommitRequest): number {
  if (group === undefined) return refuseUnknownGroup(request.generationId);
  if (group.type === "consumer") return checkConsumerTxnCommit(group, request);
  return checkTxnOffsetCommit(group, request, request.generationId);
}

/** A group of one that commits without being a member comes into being with its offsets. */
function refuseUnknownGroup(generationId: number): number {
  return generationId < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}

/** The marker of a transaction: its offsets become committed ones, or nothing. Answered when it is committed. */
export function endOffsetsTransaction(
  _context: CoordinatorContext,
  step: Step,
  { marker, ticket }: EndTransaction,
): void {
  step.marker = marker;
  step.replyWhenCommitted(ticket, ErrorCode.NONE as number, (errorCode) => errorCode);
}

type CommitTopic = TxnOffsetCommitRequest["topics"][number];

function eachPartition(
  request: TxnOffsetCommitRequest,
  errorCodeOf: (topic: CommitTopic, partition: CommitTopic["partitions"][number]) => number,
): TxnOffsetCommitAnswer {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorCodeOf(topic, partition),
      })),
    })),
  };
}

/** The answer that gives every partition of the request the same error. */
export function txnOffsetCommitError(request: TxnOffsetCommitRequest, errorCode: number): TxnOffsetCommitAnswer {
  return eachPartition(request, () => errorCode);
}
