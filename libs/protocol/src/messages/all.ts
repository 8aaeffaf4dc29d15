import type { ApiDefinition } from "../schema/api.ts";
import { addOffsetsToTxnApi } from "./add-offsets-to-txn.ts";
import { addPartitionsToTxnApi } from "./add-partitions-to-txn.ts";
import { allocateProducerIdsApi } from "./allocate-producer-ids.ts";
import { alterClientQuotasApi } from "./alter-client-quotas.ts";
import { alterConfigsApi } from "./alter-configs.ts";
import { alterPartitionApi } from "./alter-partition.ts";
import { alterPartitionReassignmentsApi } from "./alter-partition-reassignments.ts";
import { alterReplicaLogDirsApi } from "./alter-replica-log-dirs.ts";
import { alterUserScramCredentialsApi } from "./alter-user-scram-credentials.ts";
import { apiVersionsApi } from "./api-versions.ts";
import { assignReplicasToDirsApi } from "./assign-replicas-to-dirs.ts";
import { brokerHeartbeatApi } from "./broker-heartbeat.ts";
import { brokerRegistrationApi } from "./broker-registration.ts";
import { consumerGroupDescribeApi } from "./consumer-group-describe.ts";
import { consumerGroupHeartbeatApi } from "./consumer-group-heartbeat.ts";
import { createAclsApi } from "./create-acls.ts";
import { createPartitionsApi } from "./create-partitions.ts";
import { createTopicsApi } from "./create-topics.ts";
import { deleteAclsApi } from "./delete-acls.ts";
import { deleteGroupsApi } from "./delete-groups.ts";
import { deleteRecordsApi } from "./delete-records.ts";
import { deleteTopicsApi } from "./delete-topics.ts";
import { describeAclsApi } from "./describe-acls.ts";
import { describeClientQuotasApi } from "./describe-client-quotas.ts";
import { describeClusterApi } from "./describe-cluster.ts";
import { describeConfigsApi } from "./describe-configs.ts";
import { describeGroupsApi } from "./describe-groups.ts";
import { describeLogDirsApi } from "./describe-log-dirs.ts";
import { describeProducersApi } from "./describe-producers.ts";
import { describeTopicPartitionsApi } from "./describe-topic-partitions.ts";
import { describeTransactionsApi } from "./describe-transactions.ts";
import { describeUserScramCredentialsApi } from "./describe-user-scram-credentials.ts";
import { electLeadersApi } from "./elect-leaders.ts";
import { endTxnApi } from "./end-txn.ts";
import { envelopeApi } from "./envelope.ts";
import { fetchApi } from "./fetch.ts";
import { findCoordinatorApi } from "./find-coordinator.ts";
import { getTelemetrySubscriptionsApi } from "./get-telemetry-subscriptions.ts";
import { heartbeatApi } from "./heartbeat.ts";
import { incrementalAlterConfigsApi } from "./incremental-alter-configs.ts";
import { initProducerIdApi } from "./init-producer-id.ts";
import { joinGroupApi } from "./join-group.ts";
import { leaveGroupApi } from "./leave-group.ts";
import { listConfigResourcesApi } from "./list-config-resources.ts";
import { listGroupsApi } from "./list-groups.ts";
import { listOffsetsApi } from "./list-offsets.ts";
import { listPartitionReassignmentsApi } from "./list-partition-reassignments.ts";
import { listTransactionsApi } from "./list-transactions.ts";
import { metadataApi } from "./metadata.ts";
import { offsetCommitApi } from "./offset-commit.ts";
import { offsetDeleteApi } from "./offset-delete.ts";
import { offsetFetchApi } from "./offset-fetch.ts";
import { offsetForLeaderEpochApi } from "./offset-for-leader-epoch.ts";
import { produceApi } from "./produce.ts";
import { pushTelemetryApi } from "./push-telemetry.ts";
import { saslAuthenticateApi } from "./sasl-authenticate.ts";
import { saslHandshakeApi } from "./sasl-handshake.ts";
import { syncGroupApi } from "./sync-group.ts";
import { txnOffsetCommitApi } from "./txn-offset-commit.ts";
import { unregisterBrokerApi } from "./unregister-broker.ts";
import { updateFeaturesApi } from "./update-features.ts";
import { writeTxnMarkersApi } from "./write-txn-markers.ts";

/** Every API that is declared, in the order of their keys. For brokers and tools: it pulls every message in. */
export const allApis: readonly ApiDefinition[] = [
  produceApi,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  findCoordinatorApi,
  joinGroupApi,
  heartbeatApi,
  leaveGroupApi,
  syncGroupApi,
  describeGroupsApi,
  listGroupsApi,
  saslHandshakeApi,
  apiVersionsApi,
  createTopicsApi,
  deleteTopicsApi,
  deleteRecordsApi,
  initProducerIdApi,
  offsetForLeaderEpochApi,
  addPartitionsToTxnApi,
  addOffsetsToTxnApi,
  endTxnApi,
  writeTxnMarkersApi,
  txnOffsetCommitApi,
  describeAclsApi,
  createAclsApi,
  deleteAclsApi,
  describeConfigsApi,
  alterConfigsApi,
  alterReplicaLogDirsApi,
  describeLogDirsApi,
  saslAuthenticateApi,
  createPartitionsApi,
  deleteGroupsApi,
  electLeadersApi,
  incrementalAlterConfigsApi,
  alterPartitionReassignmentsApi,
  listPartitionReassignmentsApi,
  offsetDeleteApi,
  describeClientQuotasApi,
  alterClientQuotasApi,
  describeUserScramCredentialsApi,
  alterUserScramCredentialsApi,
  alterPartitionApi,
  updateFeaturesApi,
  envelopeApi,
  describeClusterApi,
  describeProducersApi,
  brokerRegistrationApi,
  brokerHeartbeatApi,
  unregisterBrokerApi,
  describeTransactionsApi,
  listTransactionsApi,
  allocateProducerIdsApi,
  consumerGroupHeartbeatApi,
  consumerGroupDescribeApi,
  getTelemetrySubscriptionsApi,
  pushTelemetryApi,
  assignReplicasToDirsApi,
  listConfigResourcesApi,
  describeTopicPartitionsApi,
];

/** The APIs by Kafka's number. */
export const apisByKey: ReadonlyMap<number, ApiDefinition> = /*#__PURE__*/ new Map(
  /*#__PURE__*/ allApis.map((api) => [api.key, api]),
);

/** Version of the header before a request, for `decodeRequestHeader`; undefined for an API that is not declared. */
export function requestHeaderVersionOf(apiKey: number, apiVersion: number): number | undefined {
  return apisByKey.get(apiKey)?.requestHeaderVersion(apiVersion);
}
