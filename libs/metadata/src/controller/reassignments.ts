import { ErrorCode } from "@ottla/protocol";
import type { MetadataImage, PartitionImage, TopicImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  type ItemOutcome,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import type { PartitionTarget } from "./partition-change.ts";
import { allowsUncleanElection, partitionChangeRecord, rulesFor } from "./partition-rules.ts";
import { checkManualAssignment } from "./replica-placement.ts";

export interface Reassignment {
  readonly topic: string;
  readonly partition: number;
  /** Where the replicas shall be in the end; null takes back what is under way. */
  readonly replicas: readonly number[] | null;
}

export interface AlterReassignmentsInput {
  readonly reassignments: readonly Reassignment[];
  readonly allowReplicationFactorChange: boolean;
}

export interface ReassignmentOutcome extends ItemOutcome {
  readonly topic: string;
  readonly partition: number;
}

/**
 * AlterPartitionReassignments (KIP-455): moves replicas. The new ones are added first; the old ones go when all new ones
 * are in sync. A reassignment that replaces one under way begins where that one has come to: what that one was adding, and
 * this one does not want, goes with the others.
 */
export function alterPartitionReassignments(
  state: ControllerState,
  { reassignments, allowReplicationFactorChange }: AlterReassignmentsInput,
): ControllerResult<readonly ReassignmentOutcome[]> {
  checkItemsCount(reassignments.length);
  const records: NewMetadataRecord[] = [];
  const seen = new Set<string>();
  const response = reassignments.map((each): ReassignmentOutcome => {
    const { topic, partition } = each;
    try {
      const key = `${topic}-${partition}`;
      if (seen.has(key)) throw refuse(ErrorCode.INVALID_REQUEST, `Partition ${key} is named more than once.`);
      seen.add(key);
      records.push(...reassign(state, each, allowReplicationFactorChange));
      return { topic, partition, ...SUCCESS };
    } catch (error) {
      return { topic, partition, ...outcomeOf(error) };
    }
  });
  return { records, response, isAtomic: false };
}

/** A reassignment under way. */
export interface OngoingReassignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** ListPartitionReassignments: what is under way, of all topics (null) or of some partitions. */
export function listPartitionReassignments(
  image: MetadataImage,
  wanted: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null,
): OngoingReassignment[] {
  const ongoing: OngoingReassignment[] = [];
  // A cluster has tens of thousands of partitions, and who waits for a reassignment asks again and again.
  const look = (topic: string, partition: PartitionImage | undefined) => {
    if (partition === undefined || !isReassigned(partition)) return;
    const { replicas, addingReplicas, removingReplicas } = partition;
    ongoing.push({ topic, partition: partition.partition, replicas, addingReplicas, removingReplicas });
  };
  if (wanted === null) {
    for (const { name, partitions } of image.topicsByName.values()) for (const each of partitions) look(name, each);
    return ongoing;
  }
  for (const { name, partitionIndexes } of wanted) {
    for (const index of partitionIndexes) look(name, image.topicsByName.get(name)?.partitions[index]);
  }
  return ongoing;
}

function isReassigned({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0;
}

function reassign(state: ControllerState, wanted: Reassignment, allowFactorChange: boolean): NewMetadataRecord[] {
  const topic = state.image.topicsByName.get(wanted.topic);
  const partition = topic?.partitions[wanted.partition];
  if (topic === undefined) {
    throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${wanted.topic}.`);
  }
  if (partition === undefined) {
    throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${wanted.topic}:${wanted.partition}.`);
  }
  const target =
    wanted.replicas === null
      ? cancellation(state, topic, partition)
      : change(state, partition, wanted.replicas, allowFactorChange);
  return partitionChangeRecord(topic, partition, target, rulesFor(state, topic.name));
}

/** Back to where the replicas were before. */
function cancellation(state: ControllerState, topic: TopicImage, partition: PartitionImage): PartitionTarget {
  if (!isReassigned(partition)) {
    throw refuse(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, "No partition reassignment is in progress.");
  }
  const replicas = without(partition.replicas, partition.addingReplicas);
  const isr = without(partition.isr, partition.addingReplicas);
  const none = { addingReplicas: [], removingReplicas: [] };
  if (isr.length > 0) return { replicas, isr, ...none };
  if (allowsUncleanElection(state, topic.name)) return { replicas, isr, ...none, election: "unclean" };
  throw refuse(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `Unable to revert partition assignment for ${topic.name}:${partition.partition} because it would require an unclean leader election.`,
  );
}

function change(
  state: ControllerState,
  partition: PartitionImage,
  replicas: readonly number[],
  allowFactorChange: boolean,
): PartitionTarget {
  checkManualAssignment(state.image, replicas, null);
  const original = without(partition.replicas, partition.addingReplicas);
  const factor = partition.replicas.length - partition.removingReplicas.length;
  if (!allowFactorChange && replicas.length !== factor) {
    throw refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${factor} to ${replicas.length}`,
    );
  }
  const removingReplicas = without(partition.replicas, replicas);
  return {
    replicas: [...replicas, ...removingReplicas],
    addingReplicas: without(replicas, original),
    removingReplicas,
  };
}

function without(replicas: readonly number[], removed: readonly number[]): number[] {
  return replicas.filter((replica) => !removed.includes(replica));
}
