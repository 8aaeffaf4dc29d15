import { ErrorCode, type Uuid } from "@ottla/protocol";
import { brokerById, type MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import { type ControllerResult, type ControllerState, refuse } from "./controller-state.ts";
import { changesWith, changesWithout } from "./leader-changes.ts";
import { directoriesLost, newlyOffline } from "./log-directories.ts";

export interface BrokerHeartbeat {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The last record of the metadata that the broker has acted on. */
  readonly currentMetadataOffset: number;
  readonly wantFence: boolean;
  readonly wantShutDown: boolean;
  /** Its log directories that have failed. */
  readonly offlineLogDirs: readonly Uuid[];
}

export interface HeartbeatReply {
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** What the controller knows of a broker besides the metadata. */
export interface HeartbeatContext {
  /** How far all active brokers have come. */
  readonly activeOffsetMin: number;
  /** Up to where the metadata says that its leaderships were handed over, or null. */
  readonly handedOverAt: number | null;
  /** Whether the coordination service has its announcement. Default true. */
  readonly isAnnounced?: boolean;
}

/**
 * BrokerHeartbeat: a broker is unfenced once it has acted on its own registration, and with that on all before it, if it
 * is announced: its heartbeats alone may come from one that is cut off from the metadata. One
 * that wants to stop loses its leaderships first; it may stop when all active brokers know, up to `activeOffsetMin`.
 * @throws KafkaError STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED
 */
export function brokerHeartbeat(
  state: ControllerState,
  beat: BrokerHeartbeat,
  context: HeartbeatContext,
): ControllerResult<HeartbeatReply> {
  const { image } = state;
  const { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown } = beat;
  checkBrokerEpoch(image, brokerId, brokerEpoch);
  const broker = brokerById(image, brokerId)!;
  const { fenced, inControlledShutdown } = broker;
  const isCaughtUp = currentMetadataOffset >= brokerEpoch;
  const reply = (isFenced: boolean, shouldShutDown = false): HeartbeatReply => ({
    isCaughtUp,
    isFenced,
    shouldShutDown,
  });
  const lost = newlyOffline(broker, beat.offlineLogDirs);
  // All else has time until the next heartbeat.
  if (lost.length > 0)
    return { records: directoriesLost(state, broker, lost), response: reply(fenced), isAtomic: false };
  if (fenced) {
    if (wantShutDown) return { records: [], response: reply(true, true) };
    // Who has begun to stop comes back with another registration.
    if (wantFence || !isCaughtUp || inControlledShutdown || context.isAnnounced === false)
      return { records: [], response: reply(true) };
    return { records: unfencing(state, brokerId, brokerEpoch), response: reply(false), isAtomic: false };
  }
  if (wantShutDown && !inControlledShutdown) {
    const isLeader = leadsAnything(image, brokerId);
    const response = reply(false, !isLeader);
    return { records: enteringShutdown(state, brokerId, brokerEpoch), response, isAtomic: false };
  }
  if (inControlledShutdown) {
    const { activeOffsetMin, handedOverAt } = context;
    const isDone = !leadsAnything(image, brokerId) && activeOffsetMin >= (handedOverAt ?? image.offset);
    return { records: [], response: reply(false, isDone) };
  }
  if (!wantFence) return { records: [], response: reply(false) };
  return { records: fencing(state, brokerId, brokerEpoch), response: reply(true), isAtomic: false };
}

/**
 * Fences a broker that has not been heard of: it leaves the ISRs, and others lead. Nothing, where it is fenced already or
 * has registered anew since (`brokerEpoch`).
 */
export function fenceBroker(state: ControllerState, brokerId: number, brokerEpoch: number): ControllerResult<void> {
  const broker = brokerById(state.image, brokerId);
  if (broker === undefined || broker.fenced || broker.epoch !== brokerEpoch)
    return { records: [], response: undefined };
  return { records: fencing(state, brokerId, brokerEpoch), response: undefined, isAtomic: false };
}

/**
 * UnregisterBroker: the cluster forgets a broker that is gone; it leaves the ISRs. One that is alive would go on without
 * anybody knowing of it, and what it leads without a leader: other than in Kafka it has to be stopped first.
 * @throws KafkaError BROKER_ID_NOT_REGISTERED; INVALID_REQUEST while the broker is alive
 */
export function unregisterBroker(state: ControllerState, brokerId: number): ControllerResult<void> {
  const broker = brokerById(state.image, brokerId);
  if (broker === undefined) {
    throw refuse(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`);
  }
  if (!broker.fenced) throw refuse(ErrorCode.INVALID_REQUEST, `Broker ${brokerId} is alive: stop it first`);
  const gone: NewMetadataRecord = { type: "UnregisterBrokerRecord", brokerId, brokerEpoch: broker.epoch };
  const records = [...changesWithout(state, brokerId, { mayHaveLost: false }), gone];
  return { records, response: undefined, isAtomic: false };
}

/** Whether any partition is led by the broker. */
export function leadsAnything(image: MetadataImage, brokerId: number): boolean {
  for (const { partitions } of image.topicsByName.values()) {
    if (partitions.some(({ leader }) => leader === brokerId)) return true;
  }
  return false;
}

const FENCE = 1;
const UNFENCE = -1;
const IN_CONTROLLED_SHUTDOWN = 1;

function fencing(state: ControllerState, brokerId: number, brokerEpoch: number): NewMetadataRecord[] {
  const fence: NewMetadataRecord = { type: "BrokerRegistrationChangeRecord", brokerId, brokerEpoch, fenced: FENCE };
  return [fence, ...changesWithout(state, brokerId, { mayHaveLost: false })];
}

function unfencing(state: ControllerState, brokerId: number, brokerEpoch: number): NewMetadataRecord[] {
  const unfence: NewMetadataRecord = { type: "BrokerRegistrationChangeRecord", brokerId, brokerEpoch, fenced: UNFENCE };
  return [unfence, ...changesWith(state, brokerId)];
}

function enteringShutdown(state: ControllerState, brokerId: number, brokerEpoch: number): NewMetadataRecord[] {
  const change = { brokerId, brokerEpoch, inControlledShutdown: IN_CONTROLLED_SHUTDOWN };
  const enter: NewMetadataRecord = { type: "BrokerRegistrationChangeRecord", ...change };
  return [enter, ...changesWithout(state, brokerId, { mayHaveLost: false })];
}
