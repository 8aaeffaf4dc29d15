import type { AnyApiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { allocateProducerIdsHandler } from "./allocate-producer-ids.ts";
import { alterClientQuotasHandler } from "./alter-client-quotas.ts";
import { alterConfigsHandler, incrementalAlterConfigsHandler } from "./alter-configs.ts";
import { alterPartitionHandler } from "./alter-partition.ts";
import { alterPartitionReassignmentsHandler } from "./alter-partition-reassignments.ts";
import { alterReplicaLogDirsHandler } from "./alter-replica-log-dirs.ts";
import { apiVersionsHandler } from "./api-versions.ts";
import { assignReplicasToDirsHandler } from "./assign-replicas-to-dirs.ts";
import { createPartitionsHandler } from "./create-partitions.ts";
import { createTopicsHandler } from "./create-topics.ts";
import { deleteRecordsHandler } from "./delete-records.ts";
import { deleteTopicsHandler } from "./delete-topics.ts";
import { describeAclsHandler } from "./describe-acls.ts";
import { describeClientQuotasHandler } from "./describe-client-quotas.ts";
import { describeClusterHandler } from "./describe-cluster.ts";
import { describeConfigsHandler } from "./describe-configs.ts";
import { describeLogDirsHandler } from "./describe-log-dirs.ts";
import { describeProducersHandler } from "./describe-producers.ts";
import { describeTopicPartitionsHandler } from "./describe-topic-partitions.ts";
import { describeUserScramCredentialsHandler } from "./describe-user-scram-credentials.ts";
import { electLeadersHandler } from "./elect-leaders.ts";
import { fetchHandler } from "./fetch.ts";
import { listConfigResourcesHandler } from "./list-config-resources.ts";
import { listOffsetsHandler } from "./list-offsets.ts";
import { listPartitionReassignmentsHandler } from "./list-partition-reassignments.ts";
import { metadataHandler } from "./metadata.ts";
import { offsetForLeaderEpochHandler } from "./offset-for-leader-epoch.ts";
import { unregisterBrokerHandler } from "./unregister-broker.ts";
import { updateFeaturesHandler } from "./update-features.ts";

/** Every API that the broker's core serves, by Kafka's number; groups and transactions bring their own. */
export function coreHandlers(broker: BrokerServices): AnyApiHandler[] {
  return [
    fetchHandler(broker),
    listOffsetsHandler(broker),
    metadataHandler(broker),
    apiVersionsHandler(broker),
    createTopicsHandler(broker),
    deleteTopicsHandler(broker),
    deleteRecordsHandler(broker),
    offsetForLeaderEpochHandler(broker),
    describeAclsHandler(),
    describeConfigsHandler(broker),
    alterConfigsHandler(broker),
    alterReplicaLogDirsHandler(broker),
    describeLogDirsHandler(broker),
    createPartitionsHandler(broker),
    incrementalAlterConfigsHandler(broker),
    describeClientQuotasHandler(broker),
    alterClientQuotasHandler(broker),
    describeUserScramCredentialsHandler(),
    updateFeaturesHandler(broker),
    describeClusterHandler(broker),
    describeProducersHandler(broker),
    listConfigResourcesHandler(broker),
    describeTopicPartitionsHandler(broker),
    electLeadersHandler(broker),
    alterPartitionReassignmentsHandler(broker),
    listPartitionReassignmentsHandler(broker),
    unregisterBrokerHandler(broker),
    alterPartitionHandler(broker),
    allocateProducerIdsHandler(broker),
    assignReplicasToDirsHandler(broker),
  ];
}
