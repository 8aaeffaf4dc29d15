import { brokerById, isReplicaOnline, type MetadataImage, NO_LEADER, type PartitionImage } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";

/**
 * One partition as Metadata and DescribeTopicPartitions tell it. A leader whose broker is gone is none;
 * `unreachableErrno` is what that is called.
 */
export function describePartition(
  image: MetadataImage,
  partition: PartitionImage,
  unreachableErrno: number = ErrorCode.LISTENER_NOT_FOUND,
) {
  const isAlive = (id: number) => brokerById(image, id)?.fenced === false;
  const leaderIsAlive = partition.leader !== NO_LEADER && isAlive(partition.leader);
  const missingErrno = partition.leader === NO_LEADER ? ErrorCode.LEADER_NOT_AVAILABLE : unreachableErrno;
  return {
    errorCode: leaderIsAlive ? ErrorCode.NONE : missingErrno,
    partitionIndex: partition.partition,
    leaderId: leaderIsAlive ? partition.leader : NO_LEADER,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => !isReplicaOnline(image, partition, id)),
  };
}
