import { listPartitionReassignments } from "@ottla/metadata";
import { ErrorCode, listPartitionReassignmentsApi } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { groupBy } from "../services/group-by.ts";

/** ListPartitionReassignments: which replicas are being moved. */
export const listPartitionReassignmentsHandler = (broker: BrokerServices) =>
  apiHandler(
    listPartitionReassignmentsApi,
    {
      minVersion: 0,
      maxVersion: 0,
      errorResponse: (_request, { errno, message }) => ({
        throttleTimeMs: 0,
        errorCode: errno,
        errorMessage: message,
        topics: [],
      }),
    },
    ({ topics }) => {
      const ongoing = groupBy(listPartitionReassignments(broker.image, topics), ({ topic }) => topic);
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        topics: [...ongoing].map(([name, partitions]) => ({
          name,
          partitions: partitions.map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
            partitionIndex: partition,
            replicas,
            addingReplicas,
            removingReplicas,
          })),
        })),
      };
    },
  );
