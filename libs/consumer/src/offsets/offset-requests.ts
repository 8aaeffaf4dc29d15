import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import type { OffsetCommitResponse, OffsetFetchResponse } from "@ottla/protocol";
import { ErrorCode, errorByCode, KafkaError, offsetCommitApi, offsetFetchApi, ZERO_UUID } from "@ottla/protocol";
import type { MemberIdentity } from "../group/membership.ts";
import type { IsolationLevel } from "../options.ts";
import { groupByTopic, type TopicPartition } from "../topic-partition.ts";
import type { CommitIdentity } from "./committed-offsets.ts";
import type { CommittedOffset, OffsetToCommit } from "./offset-types.ts";
import { unknownTopics } from "./unknown-topics.ts";

/** For which group, and in whose name. */
export interface CommitOptions {
  readonly groupId: string;
  readonly groupInstanceId: string | null;
  readonly isolationLevel: IsolationLevel;
}

/** What became of a partition's commit. */
export interface PartitionCommit extends TopicPartition {
  /** {@link ErrorCode}, 0 if the offset is committed. */
  readonly errorCode: number;
}

/** What a group's coordinator is asked about offsets. */
export class OffsetRequests {
  readonly #client: ClusterClient;
  readonly #options: CommitOptions;

  constructor(client: ClusterClient, options: CommitOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Commits `offsets`; see {@link CommittedOffsets.commit}. @throws KafkaError for what concerns all of them */
  async commit(
    offsets: readonly OffsetToCommit[],
    identity: () => CommitIdentity,
    options: CallOptions,
  ): Promise<PartitionCommit[]> {
    // A topic that is still unknown after this is left for the broker to refuse, with the others committed all the same.
    await this.#unknownTopics(offsets, options);
    const committer = identity();
    const request = this.#commitRequest(offsets, committer);
    const response: OffsetCommitResponse = await this.#client.ask(
      { group: this.#options.groupId },
      offsetCommitApi,
      request,
      {
        ...options,
        ...(committer.purpose === undefined ? {} : { purpose: committer.purpose }),
        errorOf: (answer) => firstError(answer, (errno) => errorByCode(errno).retriable),
      },
    );
    return response.topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, errorCode }) => ({
        topic: this.#nameOf(topic),
        partition: partitionIndex,
        errorCode,
      })),
    );
  }

  #commitRequest(offsets: readonly OffsetToCommit[], { memberId, generationId }: MemberIdentity) {
    const { groupId, groupInstanceId } = this.#options;
    const topics = [...groupByTopic(offsets)].map(([name, group]) => ({
      name,
      topicId: this.#topicId(name),
      partitions: group.map(({ partition, offset, leaderEpoch = -1, metadata = "" }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
    }));
    return { groupId, groupInstanceId, memberId, generationIdOrMemberEpoch: generationId, topics };
  }

  /** What is committed for `partitions`; those without a committed offset are left out, as are unknown topics. */
  async fetch(wanted: readonly TopicPartition[], options: CallOptions = {}): Promise<CommittedOffset[]> {
    const unknown = await this.#unknownTopics(wanted, options);
    const partitions = wanted.filter(({ topic }) => !unknown.has(topic));
    if (partitions.length === 0) return [];
    const body = (version: number) => this.#fetchRequest(partitions, version);
    const response = await this.#client.ask({ group: this.#options.groupId }, offsetFetchApi, body, {
      ...options,
      errorOf: (answer) => groupError(answer) || firstError(groupOf(answer), () => true),
    });
    return groupOf(response).topics.flatMap((topic) =>
      topic.partitions
        .filter((partition) => partition.committedOffset >= 0)
        .map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => ({
          topic: this.#nameOf(topic),
          partition: partitionIndex,
          offset: committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata: metadata ?? "",
        })),
    );
  }

  #fetchRequest(partitions: readonly TopicPartition[], version: number) {
    const { groupId, isolationLevel } = this.#options;
    const topics = [...groupByTopic(partitions)].map(([name, group]) => ({
      name,
      topicId: this.#topicId(name),
      partitionIndexes: group.map(({ partition }) => partition),
    }));
    // Offsets of a transaction that is still open are waited for, as they may be what to go on from (KIP-447).
    const stable = version >= 7 ? { requireStable: isolationLevel === "read_committed" } : {};
    return version >= 8 ? { groups: [{ groupId, topics }], ...stable } : { groupId, topics, ...stable };
  }

  async #unknownTopics(partitions: readonly TopicPartition[], options: CallOptions): Promise<ReadonlySet<string>> {
    const deadline = this.#client.deadline("Looking up topics", options);
    return await unknownTopics(
      this.#client,
      partitions.map(({ topic }) => topic),
      deadline,
    );
  }

  #topicId(name: string): string {
    return this.#client.metadata.view.topics.get(name)?.topicId ?? ZERO_UUID;
  }

  /** @throws KafkaError `UNKNOWN_TOPIC_ID`, retriable: the topic was made anew in the meantime */
  #nameOf(topic: { readonly name: string; readonly topicId?: string }): string {
    const name = topic.name || this.#client.metadata.view.topicsById.get(topic.topicId ?? "")?.name;
    if (name !== undefined) return name;
    throw KafkaError.fromCode(ErrorCode.UNKNOWN_TOPIC_ID, `Topic id ${topic.topicId}`);
  }
}

interface AnsweredTopics {
  readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
}

/** The first error code of a partition that `counts`; 0 if there is none. */
function firstError({ topics }: AnsweredTopics, counts: (errno: number) => boolean): number {
  for (const { partitions } of topics) {
    for (const { errorCode } of partitions) if (errorCode !== ErrorCode.NONE && counts(errorCode)) return errorCode;
  }
  return ErrorCode.NONE;
}

/** From version 8 on an answer holds several groups, of which we asked for one. */
function groupOf(response: OffsetFetchResponse) {
  return response.groups[0] ?? response;
}

function groupError(response: OffsetFetchResponse): number {
  return response.errorCode || (response.groups[0]?.errorCode ?? ErrorCode.NONE);
}
