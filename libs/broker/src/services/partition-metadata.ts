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

/**
 * The same as Metadata v0 tells it: replicas whose broker is gone are left out, and that there are such is an error, which
 * clients that ask in v0 pass over. Later versions name them among the offline ones.
 */
export function describeWithoutMissing(image: MetadataImage, partition: PartitionImage, unreachableErrno: number) {
  const described = describePartition(image, partition, unreachableErrno);
  const isAlive = (id: number) => brokerById(image, id)?.fenced === false;
  const replicaNodes = partition.replicas.filter(isAlive);
  const isrNodes = partition.isr.filter(isAlive);
  const areSomeMissing = replicaNodes.length < partition.replicas.length || isrNodes.length < partition.isr.length;
  const { errorCode } = described;
  const isOnlyThat = errorCode === ErrorCode.NONE && areSomeMissing;
  return { ...described, replicaNodes, isrNodes, errorCode: isOnlyThat ? ErrorCode.REPLICA_NOT_AVAILABLE : errorCode };
}
