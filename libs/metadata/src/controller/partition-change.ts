import { type Uuid, ZERO_UUID } from "@ottla/protocol";
import type { PartitionImage } from "../image/metadata-image.ts";
import { NO_LEADER } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";

/** How a leader is looked for. */
export type Election =
  /** The present leader stays while it can; else any replica in sync. */
  | "online"
  /** The first replica, where it is in sync. */
  | "preferred"
  /** As `online`; and where no replica in sync is there, any replica, though records are lost by that. */
  | "unclean";

/** 1 while the leader, elected uncleanly, has not yet said that it has recovered. */
export const LeaderRecoveryState = { RECOVERED: 0, RECOVERING: 1 } as const;

/** What shall become of a partition. What is left out stays. */
export interface PartitionTarget {
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly leaderRecoveryState?: number;
  readonly election?: Election;
  /** Replicas that may have lost what they had: they leave the eligible leader replicas too (KIP-966). */
  readonly uncleanReplicas?: readonly number[];
}

/** What a change of a partition goes by. */
export interface PartitionRules {
  /** Whether a replica's broker can lead now. */
  isActive(brokerId: number): boolean;
  /** Whether that broker can use the log directory that its replica lies in (KIP-858). */
  isDirectoryOnline(brokerId: number, directoryId: Uuid): boolean;
  readonly minInsyncReplicas: number;
  /** The log directory of a replica that is new on a broker. */
  directoryOf(brokerId: number): Uuid;
  /** Whether eligible leader replicas are kept (`eligible.leader.replicas.version`). */
  readonly keepsElr: boolean;
}

interface PartitionState {
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly elr: readonly number[];
  readonly lastKnownElr: readonly number[];
  readonly leader: number;
  readonly leaderRecoveryState: number;
}

/** The changed fields of a partition; null where nothing changes. */
export type PartitionChangeFields = Omit<
  Extract<NewMetadataRecord, { type: "PartitionChangeRecord" }>,
  "type" | "topicId" | "partitionId"
>;

/**
 * What has to be written so that a partition comes to `target`: a reassignment that can end does, a leader is elected
 * where there is none, and the replicas that may lead later (ELR) are kept. Null where nothing changes.
 *
 * Invariants: the leader is in the ISR. Without ELR the ISR is never empty: its last members stay, whatever befalls them.
 */
export function partitionChange(
  partition: PartitionImage,
  target: PartitionTarget,
  rules: PartitionRules,
): PartitionChangeFields | null {
  const wanted = withIsrKept(partition, applyTarget(partition, target), rules);
  const settled = withElr(partition, completeReassignment(wanted), target.uncleanReplicas ?? [], rules);
  const after = elect(partition, settled, target.election ?? "online", rules);
  return fieldsOf(partition, after, rules);
}

function stateOf(partition: PartitionImage): PartitionState {
  return { ...partition, elr: partition.eligibleLeaderReplicas };
}

function applyTarget(partition: PartitionImage, target: PartitionTarget): PartitionState {
  const { isr, replicas, addingReplicas, removingReplicas, leaderRecoveryState } = target;
  return {
    ...stateOf(partition),
    ...(isr !== undefined && { isr }),
    ...(replicas !== undefined && { replicas }),
    ...(addingReplicas !== undefined && { addingReplicas }),
    ...(removingReplicas !== undefined && { removingReplicas }),
    ...(leaderRecoveryState !== undefined && { leaderRecoveryState }),
  };
}

/** Where a reassignment is taken back, those in sync may all have been replicas that it has added: none of them is left then. */
function withIsrKept(partition: PartitionImage, wanted: PartitionState, { keepsElr }: PartitionRules): PartitionState {
  if (wanted.isr.length > 0 || keepsElr) return wanted;
  return { ...wanted, isr: partition.isr.filter((replica) => wanted.replicas.includes(replica)) };
}

/**
 * A reassignment ends when all that are added are in sync: those that are removed go then. Where fewer come than go, all
 * that stay have to be in sync: what those that go have would be on fewer than before.
 */
function completeReassignment(state: PartitionState): PartitionState {
  const { addingReplicas, removingReplicas } = state;
  if (addingReplicas.length === 0 && removingReplicas.length === 0) return state;
  const isr = without(state.isr, removingReplicas);
  const replicas = without(state.replicas, removingReplicas);
  const awaited = addingReplicas.length < removingReplicas.length ? replicas : addingReplicas;
  if (isr.length === 0 || !awaited.every((replica) => isr.includes(replica))) return state;
  return { ...state, isr, replicas, addingReplicas: [], removingReplicas: [] };
}

/**
 * While fewer replicas are in sync than `min.insync.replicas`, nothing is acknowledged, so those that were in sync before
 * still have all that was: any of them may lead.
 */
function withElr(
  partition: PartitionImage,
  state: PartitionState,
  uncleanReplicas: readonly number[],
  { keepsElr, minInsyncReplicas }: PartitionRules,
): PartitionState {
  // Where they are kept no more, those of before count only as long as nobody is in sync: nothing was acknowledged since.
  if (!keepsElr) return state.isr.length > 0 ? { ...state, elr: [] } : state;
  if (isEnough(state.isr.length, state, minInsyncReplicas)) return { ...state, elr: [] };
  const stillReplica = (replica: number) => state.replicas.includes(replica);
  const candidates = distinct([...partition.eligibleLeaderReplicas, ...partition.isr]).filter(stillReplica);
  return { ...state, elr: without(candidates, [...state.isr, ...uncleanReplicas]) };
}

/** Whether so many replicas in sync are enough to acknowledge records: what the others have is not all of them then. */
function isEnough(inSyncCount: number, { replicas }: PartitionState, minInsyncReplicas: number): boolean {
  return inSyncCount >= Math.min(minInsyncReplicas, replicas.length);
}

function elect(
  partition: PartitionImage,
  state: PartitionState,
  election: Election,
  rules: PartitionRules,
): PartitionState {
  const isActive = (replica: number) =>
    rules.isActive(replica) && rules.isDirectoryOnline(replica, directoryOfReplica(partition, replica));
  const { leader, isUnclean } = findLeader(state, election, { ...rules, isActive });
  if (isUnclean) {
    const recovering = LeaderRecoveryState.RECOVERING;
    return { ...state, leader, isr: [leader], elr: [], lastKnownElr: [], leaderRecoveryState: recovering };
  }
  if (leader === NO_LEADER) return rememberLastLeader(partition, { ...withAnyInSync(partition, state, rules), leader });
  if (state.isr.includes(leader)) return { ...state, leader, lastKnownElr: [] };
  // Nobody was in sync. Who else was eligible still has everything, as long as the new leader acknowledges nothing alone.
  const isAloneEnough = !rules.keepsElr || isEnough(1, state, rules.minInsyncReplicas);
  const elr = isAloneEnough ? [] : without(state.elr, [leader]);
  return { ...state, leader, isr: [leader], elr, lastKnownElr: [] };
}

function findLeader(
  state: PartitionState,
  election: Election,
  { isActive, keepsElr }: Pick<PartitionRules, "isActive" | "keepsElr">,
): { readonly leader: number; readonly isUnclean: boolean } {
  const { replicas, isr, elr, lastKnownElr } = state;
  // With anybody in sync, one that is eligible may lack what acks=1 has brought since.
  const hasAll = (replica: number) => isr.includes(replica) || (isr.length === 0 && elr.includes(replica));
  const canLead = (replica: number) => hasAll(replica) && isActive(replica);
  const [preferred] = replicas;
  if (election === "preferred" && preferred !== undefined && canLead(preferred)) return clean(preferred);
  if (canLead(state.leader)) return clean(state.leader);
  const online = replicas.find(canLead);
  if (online !== undefined) return clean(online);
  // Nobody is left who surely has everything; the last leader, where it is known, has most.
  const isLastKnown = keepsElr && isr.length === 0 && elr.length === 0 && lastKnownElr.length === 1;
  if (isLastKnown && isActive(lastKnownElr[0]!)) return { leader: lastKnownElr[0]!, isUnclean: true };
  const any = election === "unclean" ? replicas.find(isActive) : undefined;
  return any === undefined ? clean(NO_LEADER) : { leader: any, isUnclean: true };
}

function clean(leader: number) {
  return { leader, isUnclean: false };
}

/** As Kafka: where none of those that were in sync is a replica any more, and nobody can lead, the first is awaited. */
function withAnyInSync(partition: PartitionImage, state: PartitionState, { keepsElr }: PartitionRules): PartitionState {
  const hadAny = partition.isr.length > 0 && !keepsElr;
  return hadAny && state.isr.length === 0 ? { ...state, isr: state.replicas.slice(0, 1) } : state;
}

/** With nobody in sync, the last leader is what is known best of who has the records. */
function rememberLastLeader(partition: PartitionImage, state: PartitionState): PartitionState {
  if (state.isr.length > 0) return { ...state, lastKnownElr: [] };
  const known = partition.leader === NO_LEADER ? state.lastKnownElr : [partition.leader];
  return { ...state, lastKnownElr: known.filter((replica) => state.replicas.includes(replica)) };
}

const LEADER_UNCHANGED = -2;

function fieldsOf(
  partition: PartitionImage,
  after: PartitionState,
  rules: PartitionRules,
): PartitionChangeFields | null {
  const before = stateOf(partition);
  const changed = (key: "isr" | "replicas" | "addingReplicas" | "removingReplicas" | "elr" | "lastKnownElr") =>
    !isSame(before[key], after[key]);
  // Who is no replica any more must not be taken for one in this epoch.
  const lostReplicas = before.replicas.some((replica) => !after.replicas.includes(replica));
  const elects = after.leader !== before.leader || lostReplicas;
  const isRecovery = after.leaderRecoveryState !== before.leaderRecoveryState;
  const fields: PartitionChangeFields = {
    leader: elects ? after.leader : LEADER_UNCHANGED,
    ...(changed("isr") && { isr: after.isr }),
    ...(changed("replicas") && {
      replicas: after.replicas,
      directories: directoriesAfter(partition, after.replicas, rules),
    }),
    ...(changed("addingReplicas") && { addingReplicas: after.addingReplicas }),
    ...(changed("removingReplicas") && { removingReplicas: after.removingReplicas }),
    ...(changed("elr") && { eligibleLeaderReplicas: after.elr }),
    ...(changed("lastKnownElr") && { lastKnownElr: after.lastKnownElr }),
    ...(isRecovery && { leaderRecoveryState: after.leaderRecoveryState }),
  };
  return Object.keys(fields).length > 1 || elects ? fields : null;
}

/** Directories move with their replicas. */
function directoriesAfter(
  { replicas, directories }: PartitionImage,
  after: readonly number[],
  { directoryOf }: PartitionRules,
): Uuid[] {
  return after.map((replica) => directories[replicas.indexOf(replica)] ?? directoryOf(replica));
}

/** The log directory of a broker's replica; the zero UUID where it has not been put anywhere yet. */
export function directoryOfReplica({ replicas, directories }: PartitionImage, brokerId: number): Uuid {
  return directories[replicas.indexOf(brokerId)] ?? ZERO_UUID;
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function without(replicas: readonly number[], removed: readonly number[]): number[] {
  return replicas.filter((replica) => !removed.includes(replica));
}

function distinct(replicas: readonly number[]): number[] {
  return [...new Set(replicas)];
}
