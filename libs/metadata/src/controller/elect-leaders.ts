import { ErrorCode } from "@ottla/protocol";
import { NO_LEADER, type PartitionImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  type ItemOutcome,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import type { Election } from "./partition-change.ts";
import { isActiveBroker, partitionChangeRecord, rulesFor } from "./partition-rules.ts";

/** Kafka's numbers of what an election is for. */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const;

export interface ElectLeadersInput {
  readonly electionType: number;
  /** Null for all partitions. */
  readonly topicPartitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null;
}

export interface ElectionOutcome extends ItemOutcome {
  readonly topic: string;
  readonly partition: number;
}

/**
 * ElectLeaders (KIP-183, KIP-460): gives leadership to the preferred replica, or to any replica where no one in sync is
 * left. Of all partitions only those that needed an election are told of.
 * @throws KafkaError INVALID_REQUEST for an election that there is not
 */
export function electLeaders(
  state: ControllerState,
  { electionType, topicPartitions }: ElectLeadersInput,
): ControllerResult<readonly ElectionOutcome[]> {
  const election = electionOf(electionType);
  const records: NewMetadataRecord[] = [];
  const outcomes = wantedPartitions(state, topicPartitions).map(([topic, partition]): ElectionOutcome => {
    try {
      records.push(...electOne(state, topic, partition, election));
      return { topic, partition, ...SUCCESS };
    } catch (error) {
      return { topic, partition, ...outcomeOf(error) };
    }
  });
  const isNews = ({ errno }: ElectionOutcome) => topicPartitions !== null || errno !== ErrorCode.ELECTION_NOT_NEEDED;
  return { records, response: outcomes.filter(isNews), isAtomic: false };
}

/** How many leaderships are given back in one step: others wait for the controller too. */
export const BALANCED_AT_ONCE_MAX = 1000;

/**
 * Gives leaderships that have wandered off back to the preferred replicas (`auto.leader.rebalance.enable`), and answers how
 * many: where that is {@link BALANCED_AT_ONCE_MAX} there may be more.
 */
export function balanceLeaders(state: ControllerState): ControllerResult<number> {
  const records: NewMetadataRecord[] = [];
  for (const topic of state.image.topicsByName.values()) {
    const wandered = topic.partitions.filter((partition) => hasWandered(state, partition));
    if (wandered.length === 0) continue;
    const rules = rulesFor(state, topic.name);
    for (const partition of wandered) {
      records.push(...partitionChangeRecord(topic, partition, { election: "preferred" }, rules));
      if (records.length === BALANCED_AT_ONCE_MAX) return { records, response: records.length, isAtomic: false };
    }
  }
  return { records, response: records.length, isAtomic: false };
}

function hasWandered({ image }: ControllerState, { leader, replicas: [preferred] }: PartitionImage): boolean {
  return preferred !== undefined && preferred !== leader && isActiveBroker(image, preferred);
}

function electionOf(electionType: number): Election {
  if (electionType === ElectionType.PREFERRED) return "preferred";
  if (electionType === ElectionType.UNCLEAN) return "unclean";
  throw refuse(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`);
}

function wantedPartitions(
  { image }: ControllerState,
  wanted: ElectLeadersInput["topicPartitions"],
): (readonly [topic: string, partition: number])[] {
  if (wanted !== null)
    return wanted.flatMap(({ topic, partitions }) => partitions.map((each) => [topic, each] as const));
  return [...image.topicsByName.values()].flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => [name, partition] as const),
  );
}

function electOne(state: ControllerState, topicName: string, index: number, election: Election): NewMetadataRecord[] {
  const topic = state.image.topicsByName.get(topicName);
  if (topic === undefined) throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${topicName}`);
  const partition = topic.partitions[index];
  if (partition === undefined) {
    throw refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${topicName}-${index}`);
  }
  const isNeeded = election === "unclean" ? partition.leader === NO_LEADER : partition.leader !== partition.replicas[0];
  if (!isNeeded) throw refuse(ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition.");
  const records = partitionChangeRecord(topic, partition, { election }, rulesFor(state, topicName));
  if (records.length > 0) return records;
  throw election === "unclean"
    ? refuse(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, "The eligible leaders are not available.")
    : refuse(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, "The preferred leader was not available.");
}
