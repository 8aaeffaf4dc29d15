import { ErrorCode, type Uuid, uuidFromBytes, ZERO_UUID } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import { type ConfigImage, ConfigResourceType, type MetadataImage } from "../image/metadata-image.ts";
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
import { distinctBy, duplicatesOf } from "./duplicates.ts";
import { directoryOf } from "./partition-rules.ts";
import { checkManualAssignment, initialIsr, placeReplicas, type ReplicaAssignment } from "./replica-placement.ts";
import { checkNewTopicName } from "./topic-name.ts";

/** Stands for "the broker's default" in partition counts and replication factors. */
export const USE_DEFAULT = -1;

/** As Kafka: one request may ask for no more than this many partitions in all. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

export interface NewTopic {
  readonly name: string;
  /** {@link USE_DEFAULT} for `num.partitions`, and with assignments. */
  readonly numPartitions: number;
  /** {@link USE_DEFAULT} for `default.replication.factor`, and with assignments. */
  readonly replicationFactor: number;
  /** Brokers for each partition; empty to let the controller choose. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: ReplicaAssignment }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface CreateTopicsInput {
  readonly topics: readonly NewTopic[];
  readonly validateOnly: boolean;
}

export interface CreatedTopic extends ItemOutcome {
  readonly name: string;
  readonly topicId: Uuid;
  /** -1 where the topic was refused. */
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: ConfigImage;
}

/**
 * Creates topics, each on its own: one that is refused does not hold up the others. As in Kafka, a name that is given more
 * than once is answered once, and names collide only with topics that are there already.
 */
export function createTopics(
  state: ControllerState,
  input: CreateTopicsInput,
  charge: MutationCharge = FREE,
): ControllerResult<readonly CreatedTopic[]> {
  checkItemsCount(input.topics.length);
  checkPartitionsCount(input.topics.map((topic) => partitionsCount(state, topic)));
  const records: NewMetadataRecord[] = [];
  const duplicates = duplicatesOf(input.topics.map((topic) => topic.name));
  const response = distinctBy(input.topics, ({ name }) => name).map((topic) => {
    try {
      if (duplicates.has(topic.name)) throw refuse(ErrorCode.INVALID_REQUEST, "Duplicate topic name.");
      const created = planTopic(state, topic, charge);
      records.push(...created.records);
      return created.response;
    } catch (error) {
      return refusedTopic(topic.name, outcomeOf(error));
    }
  });
  return { records: input.validateOnly ? [] : records, response };
}

function partitionsCount({ policy }: ControllerState, { numPartitions, assignments }: NewTopic): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions > 0 ? numPartitions : policy.defaultNumPartitions;
}

/** Throws when a request asks for too many partitions in all; `counts` are those of its topics. */
export function checkPartitionsCount(counts: readonly number[]): void {
  if (counts.reduce((sum, count) => sum + count, 0) <= PARTITIONS_PER_REQUEST_MAX) return;
  throw refuse(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.");
}

function refusedTopic(name: string, outcome: ItemOutcome): CreatedTopic {
  return { ...outcome, name, topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1, configs: new Map() };
}

function planTopic(state: ControllerState, topic: NewTopic, charge: MutationCharge): ControllerResult<CreatedTopic> {
  checkNewTopicName(state.image, topic.name);
  const configs = newTopicConfigs(state, topic);
  const assignments = assignReplicas(state, topic);
  charge(assignments.length);
  const topicId = randomUuid(state.random);
  const records: NewMetadataRecord[] = [{ type: "TopicRecord", name: topic.name, topicId }];
  assignments.forEach((replicas, partition) => {
    records.push(newPartitionRecord(state.image, topicId, partition, replicas));
  });
  for (const [name, value] of configs) {
    records.push({
      type: "ConfigRecord",
      resourceType: ConfigResourceType.TOPIC,
      resourceName: topic.name,
      name,
      value,
    });
  }
  const response: CreatedTopic = {
    ...SUCCESS,
    name: topic.name,
    topicId,
    numPartitions: assignments.length,
    replicationFactor: assignments[0]!.length,
    configs,
  };
  return { records, response };
}

function newTopicConfigs({ policy }: ControllerState, topic: NewTopic): ConfigImage {
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    if (value === null) throw refuse(ErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${name}`);
    configs.set(name, value);
  }
  policy.configs.validate(ConfigResourceType.TOPIC, topic.name, configs);
  return configs;
}

function assignReplicas(state: ControllerState, topic: NewTopic): readonly ReplicaAssignment[] {
  if (topic.assignments.length > 0) return manualAssignments(state.image, topic);
  const { numPartitions, replicationFactor } = topic;
  if (replicationFactor === 0 || replicationFactor < USE_DEFAULT) {
    throw refuse(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      "Replication factor must be larger than 0, or -1 to use the default value.",
    );
  }
  if (numPartitions === 0 || numPartitions < USE_DEFAULT) {
    throw refuse(ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.");
  }
  const { policy, image, random } = state;
  const count = numPartitions === USE_DEFAULT ? policy.defaultNumPartitions : numPartitions;
  const factor = replicationFactor === USE_DEFAULT ? policy.defaultReplicationFactor : replicationFactor;
  return placeReplicas(image, count, factor, random);
}

function manualAssignments(image: MetadataImage, topic: NewTopic): readonly ReplicaAssignment[] {
  if (topic.replicationFactor !== USE_DEFAULT) {
    throw refuse(
      ErrorCode.INVALID_REQUEST,
      "A manual partition assignment was specified, but replication factor was not set to -1.",
    );
  }
  if (topic.numPartitions !== USE_DEFAULT) {
    throw refuse(
      ErrorCode.INVALID_REQUEST,
      "A manual partition assignment was specified, but numPartitions was not set to -1.",
    );
  }
  const sorted = [...topic.assignments].sort((a, b) => a.partitionIndex - b.partitionIndex);
  sorted.forEach(({ partitionIndex, brokerIds }, index) => {
    checkPartitionIndex(sorted, partitionIndex, index);
    checkManualAssignment(image, brokerIds, index === 0 ? null : sorted[0]!.brokerIds.length);
    checkLeaderPossible(image, brokerIds, partitionIndex);
  });
  return sorted.map((assignment) => assignment.brokerIds);
}

function checkPartitionIndex(
  sorted: readonly { readonly partitionIndex: number }[],
  partitionIndex: number,
  expected: number,
): void {
  if (partitionIndex === expected) return;
  const message =
    expected > 0 && sorted[expected - 1]!.partitionIndex === partitionIndex
      ? `Found multiple manual partition assignments for partition ${partitionIndex}`
      : "partitions should be a consecutive 0-based integer sequence";
  throw refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message);
}

/** Throws when none of the replicas could lead. */
export function checkLeaderPossible(image: MetadataImage, replicas: ReplicaAssignment, partition: number): void {
  if (initialIsr(image, replicas).length > 0) return;
  throw refuse(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `All brokers specified in the manual partition assignment for partition ${partition} are fenced or in controlled shutdown.`,
  );
}

/** The record of a partition that begins to exist, led by the first of its replicas that can. */
export function newPartitionRecord(
  image: MetadataImage,
  topicId: Uuid,
  partitionId: number,
  replicas: ReplicaAssignment,
): NewMetadataRecord {
  const isr = initialIsr(image, replicas);
  return {
    type: "PartitionRecord",
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map((replica) => directoryOf(image, replica)),
  };
}

/** A random (version 4) UUID that is not one of Kafka's reserved ones. */
export function randomUuid(random: Random): Uuid {
  const bytes = random.fill(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uuidFromBytes(bytes);
}
