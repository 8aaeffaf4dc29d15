import { ErrorCode, type Uuid } from "@ottla/protocol";
import {
  type BrokerEndpoint,
  type BrokerFeature,
  type BrokerImage,
  brokerById,
  type MetadataImage,
} from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { type ControllerResult, type ControllerState, refuse } from "./controller-state.ts";
import { changesWithout } from "./leader-changes.ts";
import { minIsrForAll } from "./min-isr.ts";
import { unsupportedLevel } from "./update-features.ts";

/** As Kafka: how many producer ids a broker is given at a time. */
export const PRODUCER_ID_BLOCK_SIZE = 1000;

/** Ids from `firstProducerId` on that belong to one broker alone, for ever. */
export interface ProducerIdBlock {
  readonly firstProducerId: number;
  readonly size: number;
}

/**
 * Gives a broker the next block of producer ids. The block is the broker's once the record is in the log; ids of a block
 * whose broker dies are lost, never reused.
 */
export function allocateProducerIds(
  { image }: ControllerState,
  input: { readonly brokerId: number; readonly brokerEpoch: number },
): ControllerResult<ProducerIdBlock> {
  const { brokerId, brokerEpoch } = input;
  checkBrokerEpoch(image, brokerId, brokerEpoch);
  const firstProducerId = image.nextProducerId;
  const nextProducerId = firstProducerId + PRODUCER_ID_BLOCK_SIZE;
  if (!Number.isSafeInteger(nextProducerId))
    throw refuse(ErrorCode.UNKNOWN_SERVER_ERROR, "There are no producer ids left.");
  return {
    records: [{ type: "ProducerIdsRecord", brokerId, brokerEpoch, nextProducerId }],
    response: { firstProducerId, size: PRODUCER_ID_BLOCK_SIZE },
  };
}

export function checkBrokerEpoch(image: MetadataImage, brokerId: number, brokerEpoch: number): void {
  const broker = brokerById(image, brokerId);
  if (broker === undefined) {
    throw refuse(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ${brokerId} is not registered.`);
  }
  if (broker.epoch !== brokerEpoch) {
    throw refuse(ErrorCode.STALE_BROKER_EPOCH, `Broker ${brokerId} has epoch ${broker.epoch}, not ${brokerEpoch}.`);
  }
}

export interface BrokerRegistration {
  readonly brokerId: number;
  readonly incarnationId: Uuid;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly features: readonly BrokerFeature[];
  readonly rack: string | null;
  readonly logDirs: readonly Uuid[];
  /** A fenced broker leads nothing until it is unfenced. A broker on its own starts unfenced. */
  readonly fenced: boolean;
  /**
   * Whether its last stop was clean. If not, what it had not synced may be gone: its leaderships begin anew, and in a
   * cluster it leaves ISRs and ELRs until it has caught up (KIP-966).
   */
  readonly cleanShutdown: boolean;
}

/**
 * Whether a broker that registers surely has what it had in the life that the metadata know: it has stopped cleanly from
 * that one; or it is in it still, and has not heard what came of its registration.
 */
export function hasLostNothing(
  existing: BrokerImage | undefined,
  { incarnationId, previousBrokerEpoch }: { readonly incarnationId: Uuid; readonly previousBrokerEpoch: number },
): boolean {
  if (existing === undefined) return false;
  return existing.incarnationId === incarnationId || existing.epoch === previousBrokerEpoch;
}

/**
 * Registers a broker that has started. Its epoch is the offset of the registration record, so that whatever it said in
 * an earlier life can be told apart.
 *
 * After an unclean stop every partition that it leads alone gets a new leader epoch: offsets that were handed out before
 * and lost may come again with other records, and consumers notice by the epoch (KIP-320).
 * @throws KafkaError DUPLICATE_BROKER_REGISTRATION; UNSUPPORTED_VERSION where it cannot run at the levels of the cluster
 */
export function registerBroker(
  state: ControllerState,
  input: BrokerRegistration,
): ControllerResult<{ readonly brokerEpoch: number }> {
  const { image } = state;
  const existing = brokerById(image, input.brokerId);
  if (existing !== undefined && input.fenced) checkSameBroker(existing, input);
  const unsupported = unsupportedLevel(image.features, input.features);
  if (unsupported !== null) throw refuse(ErrorCode.UNSUPPORTED_VERSION, unsupported);
  const brokerEpoch = state.nextOffset;
  const registration: NewMetadataRecord = {
    type: "RegisterBrokerRecord",
    brokerId: input.brokerId,
    incarnationId: input.incarnationId,
    brokerEpoch,
    endPoints: input.endpoints,
    features: input.features,
    rack: input.rack,
    fenced: input.fenced,
    logDirs: input.logDirs,
  };
  return {
    records: [registration, ...changesAtRegistration(state, existing, input)],
    response: { brokerEpoch },
    isAtomic: false,
  };
}

/** An id belongs to whoever has it as long as that broker is alive: it is the same one if it has the same directory. */
function checkSameBroker(existing: BrokerImage, { brokerId, logDirs, incarnationId }: BrokerRegistration): void {
  const isSame = existing.incarnationId === incarnationId || existing.logDirs.some((dir) => logDirs.includes(dir));
  if (existing.fenced || isSame) return;
  throw refuse(
    ErrorCode.DUPLICATE_BROKER_REGISTRATION,
    `Another broker is registered with that broker id: ${brokerId} is alive with other log directories.`,
  );
}

/** A broker on its own goes on with what it led; one of many leads nothing until it is unfenced. */
function changesAtRegistration(
  state: ControllerState,
  existing: BrokerImage | undefined,
  { brokerId, fenced, cleanShutdown }: BrokerRegistration,
): NewMetadataRecord[] {
  if (!fenced) return cleanShutdown ? [] : renewedLeaderships(state.image, brokerId);
  const mayHaveLost = !cleanShutdown;
  // One that was unregistered is nowhere in sync, but may be eligible where it was: with an empty disk it is not.
  const isGone = existing === undefined || existing.fenced;
  if (isGone && !mayHaveLost) return [];
  return changesWithout(state, brokerId, { mayHaveLost });
}

function renewedLeaderships(image: MetadataImage, brokerId: number): NewMetadataRecord[] {
  const records: NewMetadataRecord[] = [];
  for (const topic of image.topicsByName.values()) {
    for (const { partition, leader } of topic.partitions) {
      if (leader !== brokerId) continue;
      records.push({ type: "PartitionChangeRecord", partitionId: partition, topicId: topic.topicId, leader });
    }
  }
  return records;
}

/** Finalizes feature levels that are not finalized at that level yet, with what those of the cluster need (`minIsrForAll`). */
export function finalizeFeatures(
  state: ControllerState,
  features: ReadonlyMap<string, number>,
): ControllerResult<void> {
  const changed = [...features].filter(([name, level]) => state.image.features.get(name) !== level);
  const levels = changed.map(([name, featureLevel]) => ({ type: "FeatureLevelRecord" as const, name, featureLevel }));
  return { records: [...minIsrForAll(state, levels), ...levels], response: undefined };
}
