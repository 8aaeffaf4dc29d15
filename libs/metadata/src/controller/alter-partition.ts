import { ErrorCode, type Uuid } from "@ottla/protocol";
import { changedPartition } from "../image/apply-records.ts";
import { brokerById, type MetadataImage, type PartitionImage, topicById } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { asWritten } from "../records/record-serde.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import type { ControllerResult, ControllerState } from "./controller-state.ts";
import { duplicatesOf } from "./duplicates.ts";
import { isReplicaOnline } from "./log-directories.ts";
import { LeaderRecoveryState } from "./partition-change.ts";
import { isActiveBroker, partitionChangeRecord, rulesFor } from "./partition-rules.ts";

/** What the leader of a partition wants to be in sync. */
export interface IsrProposal {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** `brokerEpoch` -1: not known to the leader. */
  readonly newIsr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  readonly leaderRecoveryState: number;
}

export interface AlterPartitionInput {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly proposals: readonly IsrProposal[];
}

/** How one proposal ended. `after` is the partition as it is now, where the proposal was taken. */
export interface IsrOutcome {
  readonly errno: number;
  readonly after: PartitionImage | null;
}

/**
 * AlterPartition (KIP-497): leaders change who is in sync. A proposal counts only from the leader of the present epoch that
 * knows the present state of the partition, and only for replicas whose brokers are alive in the life that the leader
 * has seen (KIP-841, KIP-903).
 * @throws KafkaError STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED
 */
export function alterPartition(
  state: ControllerState,
  { brokerId, brokerEpoch, proposals }: AlterPartitionInput,
): ControllerResult<readonly IsrOutcome[]> {
  checkBrokerEpoch(state.image, brokerId, brokerEpoch);
  const records: NewMetadataRecord[] = [];
  const seen = new Set<string>();
  const response = proposals.map((proposal): IsrOutcome => {
    const key = `${proposal.topicId}-${proposal.partition}`;
    if (seen.has(key)) return refused(ErrorCode.INVALID_REQUEST);
    seen.add(key);
    return judge(state, brokerId, proposal, records);
  });
  return { records, response, isAtomic: false };
}

function refused(errno: number): IsrOutcome {
  return { errno, after: null };
}

function judge(
  state: ControllerState,
  brokerId: number,
  proposal: IsrProposal,
  records: NewMetadataRecord[],
): IsrOutcome {
  const topic = topicById(state.image, proposal.topicId);
  if (topic === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_ID);
  const partition = topic.partitions[proposal.partition];
  if (partition === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const problem = problemOf(state.image, brokerId, partition, proposal);
  if (problem !== ErrorCode.NONE) return refused(problem);
  const target = {
    isr: proposal.newIsr.map((member) => member.brokerId),
    leaderRecoveryState: proposal.leaderRecoveryState,
  };
  const [record] = partitionChangeRecord(topic, partition, target, rulesFor(state, topic.name));
  if (record === undefined) return { errno: ErrorCode.NONE, after: partition };
  records.push(record);
  const written = asWritten(record);
  if (written.type !== "PartitionChangeRecord") throw new Error(`a partition's change is written as ${written.type}`);
  const after = changedPartition(partition, written);
  // A reassignment has ended with this, and with it the leadership.
  const isSucceeded = after.leader !== partition.leader;
  return { errno: isSucceeded ? ErrorCode.NEW_LEADER_ELECTED : ErrorCode.NONE, after };
}

function problemOf(image: MetadataImage, brokerId: number, partition: PartitionImage, proposal: IsrProposal): number {
  const { leaderEpoch, partitionEpoch } = proposal;
  // A leader that knows more than this controller was told by a later one.
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) return ErrorCode.NOT_CONTROLLER;
  // A leader of before asks by its own epoch: it was deposed, and has said nothing that is wrong.
  if (leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (brokerId !== partition.leader) return ErrorCode.INVALID_REQUEST;
  if (partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
  if (!isPlausible(partition, proposal)) return ErrorCode.INVALID_REQUEST;
  const isEligible = proposal.newIsr.every((member) => isEligibleForIsr(image, partition, member));
  return isEligible ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA;
}

function isPlausible(partition: PartitionImage, { newIsr, leaderRecoveryState }: IsrProposal): boolean {
  const ids = newIsr.map((member) => member.brokerId);
  if (!ids.includes(partition.leader) || duplicatesOf(ids).size > 0) return false;
  if (!ids.every((id) => partition.replicas.includes(id))) return false;
  if (!Object.values<number>(LeaderRecoveryState).includes(leaderRecoveryState)) return false;
  if (leaderRecoveryState === LeaderRecoveryState.RECOVERED) return true;
  return partition.leaderRecoveryState === LeaderRecoveryState.RECOVERING && ids.length === 1;
}

function isEligibleForIsr(
  image: MetadataImage,
  partition: PartitionImage,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
): boolean {
  if (!isActiveBroker(image, brokerId) || !isReplicaOnline(image, partition, brokerId)) return false;
  return brokerEpoch === -1 || brokerById(image, brokerId)?.epoch === brokerEpoch;
}
