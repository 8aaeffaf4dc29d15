import { ErrorCode, type OffsetCommitRequest } from "@ottla/protocol";
import { checkOffsetCommit } from "../classic/classic-validation.ts";
import { keepSessionAlive } from "../classic/sessions.ts";
import { checkConsumerCommit } from "../consumer/offset-checks.ts";
import type { GroupRequest, OffsetCommitAnswer } from "../group-requests.ts";
import type { CoordinatorContext } from "../shard/coordinator-context.ts";
import type { Step } from "../shard/step.ts";
import { type OffsetToCommit, offsetCommitRecord } from "./offset-records.ts";

type OffsetCommit = Extract<GroupRequest, { type: "offsetCommit" }>;

/** From this version on a client understands that the group does not exist. */
const GROUP_ID_NOT_FOUND_VERSION = 9;

/** OffsetCommit: a record for each partition, or one error for all of them. */
export function commitOffsets(
  context: CoordinatorContext,
  step: Step,
  { request, apiVersion, ticket }: OffsetCommit,
): void {
  const refusal = refuseCommit(context, request, apiVersion);
  if (refusal !== ErrorCode.NONE) {
    step.reply(ticket, offsetCommitError(request, refusal));
    return;
  }
  const group = context.groups.get(request.groupId);
  if (group?.type === "classic") keepSessionAlive(context, step, group, request.memberId);
  const answer = eachPartition(request, (topic, partition) =>
    commitOne(context, step, request.groupId, {
      topic: topic.name,
      topicId: topic.topicId,
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata,
      retentionMs: request.retentionTimeMs,
    }),
  );
  step.replyAfterOwnRecords(ticket, answer, (errorCode) => offsetCommitError(request, errorCode));
}

function refuseCommit(context: CoordinatorContext, request: OffsetCommitRequest, apiVersion: number): number {
  const generationId = request.generationIdOrMemberEpoch;
  const group = context.groups.get(request.groupId);
  if (group?.type === "consumer") return checkConsumerCommit(group, request, apiVersion);
  if (group !== undefined) return checkOffsetCommit(group, request, generationId);
  if (generationId < 0) return ErrorCode.NONE;
  return apiVersion >= GROUP_ID_NOT_FOUND_VERSION ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
}

/** @returns the error code for the partition */
export function commitOne(context: CoordinatorContext, step: Step, groupId: string, commit: OffsetToCommit): number {
  if (isTooLong(commit.metadata, context.config.offsetMetadataMaxBytes)) return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  if (!Number.isSafeInteger(commit.offset)) return ErrorCode.INVALID_REQUEST;
  step.append(offsetCommitRecord(groupId, commit, step.wallMs));
  return ErrorCode.NONE;
}

/** Like Kafka, the limit counts UTF-16 units, although its name says bytes. */
function isTooLong(metadata: string | null, maxLength: number): boolean {
  return metadata !== null && metadata.length > maxLength;
}

type CommitTopic = OffsetCommitRequest["topics"][number];

function eachPartition(
  request: OffsetCommitRequest,
  errorCodeOf: (topic: CommitTopic, partition: CommitTopic["partitions"][number]) => number,
): OffsetCommitAnswer {
  return {
    topics: request.topics.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: errorCodeOf(topic, partition),
      })),
    })),
  };
}

/** The answer that gives every partition of the request the same error. */
export function offsetCommitError(request: OffsetCommitRequest, errorCode: number): OffsetCommitAnswer {
  return eachPartition(request, () => errorCode);
}
