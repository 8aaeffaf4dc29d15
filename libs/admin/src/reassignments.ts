import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { alterPartitionReassignmentsApi, ErrorCode, listPartitionReassignmentsApi } from "@ottla/protocol";
import { checkResources, codeToRetry } from "./partial-failure.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";

/** Where the replicas of a partition shall be. */
export interface NewPartitionReassignment extends TopicPartition {
  /** Broker ids, the preferred leader first; null cancels the reassignment that is under way. */
  readonly replicas: readonly number[] | null;
}

/** A partition whose replicas are being moved. */
export interface PartitionReassignment extends TopicPartition {
  /** All that have it now, those that come and those that go among them. */
  readonly replicas: readonly number[];
  /** Those that come, and catch up. */
  readonly addingReplicas: readonly number[];
  /** Those that go, once the others have caught up. */
  readonly removingReplicas: readonly number[];
}

const HEALED_BY_CONTROLLER = [ErrorCode.NOT_CONTROLLER];

export async function alterPartitionReassignments(
  client: ClusterClient,
  reassignments: readonly NewPartitionReassignment[],
  call: CallOptions,
): Promise<void> {
  const topics = byTopic(reassignments).map(({ name, items }) => ({
    name,
    partitions: items.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas === null ? null : [...replicas],
    })),
  }));
  const request = { topics, timeoutMs: client.settings.requestTimeoutMs };
  const { responses } = await client.ask("controller", alterPartitionReassignmentsApi, request, {
    ...call,
    errorOf: ({ errorCode, responses }) =>
      errorCode ||
      codeToRetry(
        responses.flatMap(({ partitions }) => partitions),
        HEALED_BY_CONTROLLER,
      ),
  });
  checkResources(
    "alterPartitionReassignments",
    responses.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, ...status }) => ({
        resource: partitionName({ topic, partition }),
        ...status,
      })),
    ),
  );
}

export async function listPartitionReassignments(
  client: ClusterClient,
  partitions: readonly TopicPartition[] | undefined,
  call: CallOptions,
): Promise<PartitionReassignment[]> {
  const topics =
    partitions === undefined
      ? null
      : byTopic(partitions).map(({ name, items }) => ({
          name,
          partitionIndexes: items.map(({ partition }) => partition),
        }));
  const request = { topics, timeoutMs: client.settings.requestTimeoutMs };
  const response = await client.ask("controller", listPartitionReassignmentsApi, request, call);
  return response.topics.flatMap(({ name: topic, partitions: ofTopic }) =>
    ofTopic.map(({ partitionIndex: partition, replicas, addingReplicas, removingReplicas }) => {
      return { topic, partition, replicas, addingReplicas, removingReplicas };
    }),
  );
}
