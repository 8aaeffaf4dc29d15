import { ErrorCode, type Uuid } from "@ottla/protocol";
import {
  type BrokerImage,
  brokerById,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
  topicById,
} from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import { type ControllerResult, type ControllerState, checkItemsCount, refuse } from "./controller-state.ts";
import { changesOf } from "./leader-changes.ts";
import { directoryOfReplica, type PartitionTarget, partitionChange } from "./partition-change.ts";
import { allowsUncleanElection, hasOnlineDirectory, rulesFor } from "./partition-rules.ts";

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
 * AssignReplicasToDirs: notes in which of its log directories a broker has put replicas. Kafka's error code for each.
 *
 * A replica that has been put into another directory than the one that it had, because that one is gone for good, begins
 * empty; one whose new directory has failed meanwhile cannot be used. Neither stays in sync.
 * @throws KafkaError STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED
 */
export function assignDirectories(
  state: ControllerState,
  { brokerId, brokerEpoch, content }: BrokerDirectories<readonly DirectoryAssignment[]>,
): ControllerResult<readonly number[]> {
  checkBrokerEpoch(state.image, brokerId, brokerEpoch);
  checkItemsCount(content.length);
  const records: NewMetadataRecord[] = [];
  const response = content.map((assignment) => {
    const topic = topicById(state.image, assignment.topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const partition = topic.partitions[assignment.partition];
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (!partition.replicas.includes(brokerId)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    records.push(...assignmentRecords(state, topic, partition, brokerId, assignment.directoryId));
    return ErrorCode.NONE;
  });
  return { records, response, isAtomic: false };
}

function assignmentRecords(
  state: ControllerState,
  topic: TopicImage,
  partition: PartitionImage,
  brokerId: number,
  directoryId: Uuid,
): NewMetadataRecord[] {
  const directoryBefore = directoryOfReplica(partition, brokerId);
  if (directoryBefore === directoryId) return [];
  const directories = partition.replicas.map((id) =>
    id === brokerId ? directoryId : directoryOfReplica(partition, id),
  );
  const change = { type: "PartitionChangeRecord", topicId: topic.topicId, partitionId: partition.partition } as const;
  // Of a partition with one replica nobody else could have the leadership.
  if (partition.replicas.length === 1 && partition.leader === brokerId) return [{ ...change, directories }];
  const broker = brokerById(state.image, brokerId)!;
  const isEmpty = !hasOnlineDirectory(broker, directoryBefore);
  const leavesIsr = isEmpty || !hasOnlineDirectory(broker, directoryId);
  const target: PartitionTarget = {
    ...(leavesIsr && { isr: partition.isr.filter((id) => id !== brokerId) }),
    ...(isEmpty && { uncleanReplicas: [brokerId] }),
    election: allowsUncleanElection(state, topic.name) ? "unclean" : "online",
  };
  const fields = partitionChange({ ...partition, directories }, target, rulesFor(state, topic.name));
  return [{ ...change, directories, ...fields }];
}

/**
 * Notes which of the log directories of a broker on its own can still be used. What it leads in the others it goes on
 * leading, and answers that its disk has failed: there is nobody else.
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

/** Those of a broker's log directories that are newly among the offline ones; none where it would be left without any. */
export function newlyOffline({ logDirs }: BrokerImage, offlineLogDirs: readonly Uuid[]): readonly Uuid[] {
  const lost = logDirs.filter((id) => offlineLogDirs.includes(id));
  return lost.length === logDirs.length ? [] : lost;
}

/** What becomes of the metadata when log directories of a broker of a cluster fail: its replicas there leave the ISRs. */
export function directoriesLost(
  state: ControllerState,
  broker: BrokerImage,
  lost: readonly Uuid[],
): NewMetadataRecord[] {
  const { brokerId, epoch: brokerEpoch } = broker;
  const logDirs = broker.logDirs.filter((id) => !lost.includes(id));
  const isLost = (id: number, directoryId: Uuid) => id === brokerId && lost.includes(directoryId);
  return [
    { type: "BrokerRegistrationChangeRecord", brokerId, brokerEpoch, logDirs },
    ...changesOf(
      state,
      (partition) =>
        isLost(brokerId, directoryOfReplica(partition, brokerId)) &&
        (partition.leader === brokerId || partition.isr.includes(brokerId)),
      ({ isr }) => ({ isr: isr.filter((id) => id !== brokerId) }),
      (rules) => ({
        ...rules,
        isDirectoryOnline: (id, directoryId) => !isLost(id, directoryId) && rules.isDirectoryOnline(id, directoryId),
      }),
    ),
  ];
}

/** Whether a replica's broker is there, and the log directory that it lies in too. */
export function isReplicaOnline(image: MetadataImage, partition: PartitionImage, brokerId: number): boolean {
  const broker = brokerById(image, brokerId);
  if (broker === undefined || broker.fenced) return false;
  return hasOnlineDirectory(broker, directoryOfReplica(partition, brokerId));
}
