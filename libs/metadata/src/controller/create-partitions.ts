import { ErrorCode } from "@ottla/protocol";
import type { TopicImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  FREE,
  type ItemOutcome,
  type MutationCharge,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import { checkLeaderPossible, checkPartitionsCount, newPartitionRecord } from "./create-topics.ts";
import { distinctBy, duplicatesOf } from "./duplicates.ts";
import { checkManualAssignment, placeReplicas, type ReplicaAssignment } from "./replica-placement.ts";

export interface MorePartitions {
  readonly name: string;
  /** The number of partitions that the topic shall have in all. */
  readonly count: number;
  /** Brokers for each new partition; null to let the controller choose. */
  readonly assignments: readonly { readonly brokerIds: ReplicaAssignment }[] | null;
}

export interface CreatePartitionsInput {
  readonly topics: readonly MorePartitions[];
  readonly validateOnly: boolean;
}

/** Adds partitions to topics, each on its own. A name that is given more than once is answered once. */
export function createPartitions(
  state: ControllerState,
  input: CreatePartitionsInput,
  charge: MutationCharge = FREE,
): ControllerResult<readonly (ItemOutcome & { readonly name: string })[]> {
  checkItemsCount(input.topics.length);
  checkPartitionsCount(input.topics.map((topic) => addedCount(state, topic)));
  const records: NewMetadataRecord[] = [];
  const duplicates = duplicatesOf(input.topics.map((topic) => topic.name));
  const response = distinctBy(input.topics, ({ name }) => name).map((topic) => {
    try {
      if (duplicates.has(topic.name)) throw refuse(ErrorCode.INVALID_REQUEST, "Duplicate topic name.");
      records.push(...planPartitions(state, topic, charge));
      return { ...SUCCESS, name: topic.name };
    } catch (error) {
      return { ...outcomeOf(error), name: topic.name };
    }
  });
  return { records: input.validateOnly ? [] : records, response };
}

/** How many partitions a topic shall get; none where it will be refused for what it asks. */
function addedCount({ image }: ControllerState, { name, count }: MorePartitions): number {
  const existing = image.topicsByName.get(name)?.partitions.length ?? count;
  return count > PARTITIONS_PER_TOPIC_MAX ? 0 : Math.max(count - existing, 0);
}

function planPartitions(state: ControllerState, input: MorePartitions, charge: MutationCharge): NewMetadataRecord[] {
  const topic = state.image.topicsByName.get(input.name);
  if (topic === undefined) {
    throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${input.name}' does not exist.`);
  }
  const existing = topic.partitions.length;
  checkIncrease(topic, input.count);
  checkAssignmentsCount(topic, input);
  // As in Kafka before the brokers of each assignment are looked at.
  charge(input.count - existing);
  const assignments = assignNewPartitions(state, topic, input);
  return assignments.map((replicas, index) =>
    newPartitionRecord(state.image, topic.topicId, existing + index, replicas),
  );
}

/** No topic grows past this: a slip of the hand must not fill the disk with directories. */
const PARTITIONS_PER_TOPIC_MAX = 100_000;

function checkIncrease(topic: TopicImage, count: number): void {
  const existing = topic.partitions.length;
  if (count === existing) {
    throw refuse(ErrorCode.INVALID_PARTITIONS, `Topic already has ${existing} partition(s).`);
  }
  if (count < existing) {
    throw refuse(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${topic.name} currently has ${existing} partition(s); ${count} would not be an increase.`,
    );
  }
  if (count > PARTITIONS_PER_TOPIC_MAX) {
    throw refuse(ErrorCode.INVALID_PARTITIONS, `A topic can have at most ${PARTITIONS_PER_TOPIC_MAX} partitions.`);
  }
}

function checkAssignmentsCount(topic: TopicImage, { count, assignments }: MorePartitions): void {
  const added = count - topic.partitions.length;
  if (assignments === null || assignments.length === added) return;
  throw refuse(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
  );
}

function assignNewPartitions(
  state: ControllerState,
  topic: TopicImage,
  input: MorePartitions,
): readonly ReplicaAssignment[] {
  const existing = topic.partitions.length;
  const added = input.count - existing;
  const replicationFactor = topic.partitions[0]!.replicas.length;
  if (input.assignments === null) return placeReplicas(state.image, added, replicationFactor, state.random);
  input.assignments.forEach(({ brokerIds }, index) => {
    checkManualAssignment(state.image, brokerIds, replicationFactor);
    checkLeaderPossible(state.image, brokerIds, existing + index);
  });
  return input.assignments.map((assignment) => assignment.brokerIds);
}
