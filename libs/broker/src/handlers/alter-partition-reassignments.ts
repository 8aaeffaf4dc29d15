import { alterPartitionReassignments } from "@ottla/metadata";
import { alterPartitionReassignmentsApi, ErrorCode } from "@ottla/protocol";
import { apiHandler } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { groupBy } from "../services/group-by.ts";
import { submitWithin } from "../services/submit-within.ts";

const FIRST_VERSION_WITH_FACTOR_CHANGE = 1;

/** AlterPartitionReassignments: moves replicas, and takes back moves under way. */
export const alterPartitionReassignmentsHandler = (broker: BrokerServices) =>
  apiHandler(
    alterPartitionReassignmentsApi,
    {
      minVersion: 0,
      maxVersion: 1,
      errorResponse: (_request, { errno, message }) => ({
        throttleTimeMs: 0,
        errorCode: errno,
        errorMessage: message,
        responses: [],
      }),
    },
    async ({ topics, timeoutMs, allowReplicationFactorChange }, { apiVersion }) => {
      const mayChange = apiVersion < FIRST_VERSION_WITH_FACTOR_CHANGE || allowReplicationFactorChange;
      const reassignments = topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
      );
      const input = { reassignments, allowReplicationFactorChange: mayChange };
      const outcomes = await submitWithin(broker, timeoutMs, (state) => alterPartitionReassignments(state, input));
      const responses = [...groupBy(outcomes, ({ topic }) => topic)].map(([name, partitions]) => ({
        name,
        partitions: partitions.map(({ partition, errno, message }) => ({
          partitionIndex: partition,
          errorCode: errno,
          errorMessage: message,
        })),
      }));
      return {
        throttleTimeMs: 0,
        ...(apiVersion >= FIRST_VERSION_WITH_FACTOR_CHANGE && { allowReplicationFactorChange }),
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        responses,
      };
    },
  );
