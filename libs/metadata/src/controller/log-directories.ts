import { ErrorCode, type Uuid, ZERO_UUID } from "@ottla/protocol";
import { type BrokerImage, brokerById, type MetadataImage, type PartitionImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import { type ControllerResult, type ControllerState, checkItemsCount, refuse } from "./controller-state.ts";

/** Where a broker has put its replica of a partition. */
export interface DirectoryAssignment {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly directoryId: Uuid;
}

/** What a broker says of its log directories (KIP-858). */
export interface BrokerDirectories<Content> {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly content: Content;
}

/**
 * Notes in which of its log directories a broker has put replicas. What has been deleted or moved to other brokers
 * meanwhile is passed over.
 */
export function assignDirectories(
  { image }: ControllerState,
  { brokerId, brokerEpoch, content }: BrokerDirectories<readonly DirectoryAssignment[]>,
): ControllerResult<void> {
  checkBrokerEpoch(image, brokerId, brokerEpoch);
  checkItemsCount(content.length);
  const records = content.flatMap((assignment) => assignmentRecord(image, brokerId, assignment) ?? []);
  return { records, response: undefined };
}

function assignmentRecord(
  image: MetadataImage,
  brokerId: number,
  { topicId, partition, directoryId }: DirectoryAssignment,
): NewMetadataRecord | undefined {
  const before = image.topicsByName.get(image.topicNamesById.get(topicId) ?? "")?.partitions[partition];
  const replica = before?.replicas.indexOf(brokerId) ?? -1;
  if (before === undefined || replica < 0 || before.directories[replica] === directoryId) return undefined;
  const directories = before.replicas.map((_, i) => (i === replica ? directoryId : directoryOf(before, i)));
  return { type: "PartitionChangeRecord", topicId, partitionId: partition, directories };
}

/**
 * Notes which of a broker's log directories can still be used. What it leads in the others it goes on leading, and
 * answers that its disk has failed.
 */
export function setOnlineDirectories(
  { image }: ControllerState,
  { brokerId, brokerEpoch, content }: BrokerDirectories<readonly Uuid[]>,
): ControllerResult<void> {
  checkBrokerEpoch(image, brokerId, brokerEpoch);
  if (content.length === 0) throw refuse(ErrorCode.INVALID_REQUEST, "A broker without a log directory has to stop.");
  return {
    records: [{ type: "BrokerRegistrationChangeRecord", brokerId, brokerEpoch, logDirs: content }],
    response: undefined,
  };
}

/** Whether a replica's broker is there, and the log directory that it lies in too. */
export function isReplicaOnline(image: MetadataImage, partition: PartitionImage, brokerId: number): boolean {
  const broker = brokerById(image, brokerId);
  if (broker === undefined || broker.fenced) return false;
  return hasOnlineDirectory(broker, directoryOf(partition, partition.replicas.indexOf(brokerId)));
}

function hasOnlineDirectory({ logDirs }: BrokerImage, directoryId: Uuid): boolean {
  return directoryId === ZERO_UUID || logDirs.length === 0 || logDirs.includes(directoryId);
}

/** The zero UUID for a replica that has not been put anywhere yet. */
function directoryOf({ directories }: PartitionImage, replica: number): Uuid {
  return directories[replica] ?? ZERO_UUID;
}
