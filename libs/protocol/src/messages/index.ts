export {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
  addOffsetsToTxnApi,
  addOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
} from "./add-offsets-to-txn.ts";
export {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  addPartitionsToTxnApi,
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from "./add-partitions-to-txn.ts";
export {
  type AllocateProducerIdsRequest,
  type AllocateProducerIdsResponse,
  allocateProducerIdsApi,
  allocateProducerIdsRequest,
  allocateProducerIdsResponse,
} from "./allocate-producer-ids.ts";
export {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  alterClientQuotasApi,
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from "./alter-client-quotas.ts";
export {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  alterConfigsApi,
  alterConfigsRequest,
  alterConfigsResponse,
} from "./alter-configs.ts";
export {
  type AlterPartitionRequest,
  type AlterPartitionResponse,
  alterPartitionApi,
  alterPartitionRequest,
  alterPartitionResponse,
} from "./alter-partition.ts";
export {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  alterPartitionReassignmentsApi,
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from "./alter-partition-reassignments.ts";
export {
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
  alterReplicaLogDirsApi,
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from "./alter-replica-log-dirs.ts";
export {
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsResponse,
  alterUserScramCredentialsApi,
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from "./alter-user-scram-credentials.ts";
export {
  type ApiVersionsRequest,
  type ApiVersionsResponse,
  apiVersionsApi,
  apiVersionsRequest,
  apiVersionsResponse,
} from "./api-versions.ts";
export {
  type BrokerHeartbeatRequest,
  type BrokerHeartbeatResponse,
  brokerHeartbeatApi,
  brokerHeartbeatRequest,
  brokerHeartbeatResponse,
} from "./broker-heartbeat.ts";
export {
  type BrokerRegistrationRequest,
  type BrokerRegistrationResponse,
  brokerRegistrationApi,
  brokerRegistrationRequest,
  brokerRegistrationResponse,
} from "./broker-registration.ts";
export {
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
  consumerGroupDescribeApi,
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from "./consumer-group-describe.ts";
export {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeatApi,
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from "./consumer-group-heartbeat.ts";
export {
  type CreateAclsRequest,
  type CreateAclsResponse,
  createAclsApi,
  createAclsRequest,
  createAclsResponse,
} from "./create-acls.ts";
export {
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  createPartitionsApi,
  createPartitionsRequest,
  createPartitionsResponse,
} from "./create-partitions.ts";
export {
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  createTopicsApi,
  createTopicsRequest,
  createTopicsResponse,
} from "./create-topics.ts";
export {
  type DeleteAclsRequest,
  type DeleteAclsResponse,
  deleteAclsApi,
  deleteAclsRequest,
  deleteAclsResponse,
} from "./delete-acls.ts";
export {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  deleteGroupsApi,
  deleteGroupsRequest,
  deleteGroupsResponse,
} from "./delete-groups.ts";
export {
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  deleteRecordsApi,
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "./delete-records.ts";
export {
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  deleteTopicsApi,
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "./delete-topics.ts";
export {
  type DescribeAclsRequest,
  type DescribeAclsResponse,
  describeAclsApi,
  describeAclsRequest,
  describeAclsResponse,
} from "./describe-acls.ts";
export {
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
  describeClientQuotasApi,
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from "./describe-client-quotas.ts";
export {
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  describeClusterApi,
  describeClusterRequest,
  describeClusterResponse,
} from "./describe-cluster.ts";
export {
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  describeConfigsApi,
  describeConfigsRequest,
  describeConfigsResponse,
} from "./describe-configs.ts";
export {
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  describeGroupsApi,
  describeGroupsRequest,
  describeGroupsResponse,
} from "./describe-groups.ts";
export {
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
  describeLogDirsApi,
  describeLogDirsRequest,
  describeLogDirsResponse,
} from "./describe-log-dirs.ts";
export {
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  describeProducersApi,
  describeProducersRequest,
  describeProducersResponse,
} from "./describe-producers.ts";
export {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  describeTopicPartitionsApi,
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "./describe-topic-partitions.ts";
export {
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
  describeTransactionsApi,
  describeTransactionsRequest,
  describeTransactionsResponse,
} from "./describe-transactions.ts";
export {
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
  describeUserScramCredentialsApi,
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from "./describe-user-scram-credentials.ts";
export {
  type ElectLeadersRequest,
  type ElectLeadersResponse,
  electLeadersApi,
  electLeadersRequest,
  electLeadersResponse,
} from "./elect-leaders.ts";
export {
  type EndTxnRequest,
  type EndTxnResponse,
  endTxnApi,
  endTxnRequest,
  endTxnResponse,
} from "./end-txn.ts";
export {
  type EnvelopeRequest,
  type EnvelopeResponse,
  envelopeApi,
  envelopeRequest,
  envelopeResponse,
} from "./envelope.ts";
export {
  type FetchRequest,
  type FetchResponse,
  fetchApi,
  fetchRequest,
  fetchResponse,
} from "./fetch.ts";
export {
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinatorApi,
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "./find-coordinator.ts";
export {
  type GetTelemetrySubscriptionsRequest,
  type GetTelemetrySubscriptionsResponse,
  getTelemetrySubscriptionsApi,
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from "./get-telemetry-subscriptions.ts";
export {
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatApi,
  heartbeatRequest,
  heartbeatResponse,
} from "./heartbeat.ts";
export {
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
  incrementalAlterConfigsApi,
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "./incremental-alter-configs.ts";
export {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerIdApi,
  initProducerIdRequest,
  initProducerIdResponse,
} from "./init-producer-id.ts";
export {
  type JoinGroupRequest,
  type JoinGroupResponse,
  joinGroupApi,
  joinGroupRequest,
  joinGroupResponse,
} from "./join-group.ts";
export {
  type LeaveGroupRequest,
  type LeaveGroupResponse,
  leaveGroupApi,
  leaveGroupRequest,
  leaveGroupResponse,
} from "./leave-group.ts";
export {
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
  listConfigResourcesApi,
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from "./list-config-resources.ts";
export {
  type ListGroupsRequest,
  type ListGroupsResponse,
  listGroupsApi,
  listGroupsRequest,
  listGroupsResponse,
} from "./list-groups.ts";
export {
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsetsApi,
  listOffsetsRequest,
  listOffsetsResponse,
} from "./list-offsets.ts";
export {
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
  listPartitionReassignmentsApi,
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from "./list-partition-reassignments.ts";
export {
  type ListTransactionsRequest,
  type ListTransactionsResponse,
  listTransactionsApi,
  listTransactionsRequest,
  listTransactionsResponse,
} from "./list-transactions.ts";
export {
  type MetadataRequest,
  type MetadataResponse,
  metadataApi,
  metadataRequest,
  metadataResponse,
} from "./metadata.ts";
export {
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  offsetCommitApi,
  offsetCommitRequest,
  offsetCommitResponse,
} from "./offset-commit.ts";
export {
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
  offsetDeleteApi,
  offsetDeleteRequest,
  offsetDeleteResponse,
} from "./offset-delete.ts";
export {
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  offsetFetchApi,
  offsetFetchRequest,
  offsetFetchResponse,
} from "./offset-fetch.ts";
export {
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  offsetForLeaderEpochApi,
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "./offset-for-leader-epoch.ts";
export {
  type ProduceRequest,
  type ProduceResponse,
  produceApi,
  produceRequest,
  produceResponse,
} from "./produce.ts";
export {
  type PushTelemetryRequest,
  type PushTelemetryResponse,
  pushTelemetryApi,
  pushTelemetryRequest,
  pushTelemetryResponse,
} from "./push-telemetry.ts";
export {
  type SaslAuthenticateRequest,
  type SaslAuthenticateResponse,
  saslAuthenticateApi,
  saslAuthenticateRequest,
  saslAuthenticateResponse,
} from "./sasl-authenticate.ts";
export {
  type SaslHandshakeRequest,
  type SaslHandshakeResponse,
  saslHandshakeApi,
  saslHandshakeRequest,
  saslHandshakeResponse,
} from "./sasl-handshake.ts";
export {
  type SyncGroupRequest,
  type SyncGroupResponse,
  syncGroupApi,
  syncGroupRequest,
  syncGroupResponse,
} from "./sync-group.ts";
export {
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
  txnOffsetCommitApi,
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
} from "./txn-offset-commit.ts";
export {
  type UnregisterBrokerRequest,
  type UnregisterBrokerResponse,
  unregisterBrokerApi,
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from "./unregister-broker.ts";
export {
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
  updateFeaturesApi,
  updateFeaturesRequest,
  updateFeaturesResponse,
} from "./update-features.ts";
export {
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
  writeTxnMarkersApi,
  writeTxnMarkersRequest,
  writeTxnMarkersResponse,
} from "./write-txn-markers.ts";
