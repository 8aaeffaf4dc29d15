import { ElectionType, electLeaders } from "@ottla/metadata";
import { type ElectLeadersRequest, ErrorCode, electLeadersApi, type ResponseInput } from "@ottla/protocol";
import { apiHandler, type WholeRequestError } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { groupBy } from "../services/group-by.ts";
import { submitWithin } from "../services/submit-within.ts";

type ElectLeadersAnswer = ResponseInput<typeof electLeadersApi>;

const FIRST_VERSION_WITH_TYPES = 1;

/** ElectLeaders: the preferred replicas lead, or any where none in sync is left. */
export const electLeadersHandler = (broker: BrokerServices) =>
  apiHandler(
    electLeadersApi,
    { minVersion: 0, maxVersion: 2, errorResponse: wholeRequestFailed },
    async (request, { apiVersion }) => {
      const electionType = apiVersion < FIRST_VERSION_WITH_TYPES ? ElectionType.PREFERRED : request.electionType;
      const input = { electionType, topicPartitions: request.topicPartitions };
      const outcomes = await submitWithin(broker, request.timeoutMs, (state) => electLeaders(state, input));
      const replicaElectionResults = [...groupBy(outcomes, ({ topic }) => topic)].map(([topic, partitions]) => ({
        topic,
        partitionResult: partitions.map(({ partition, errno, message }) => ({
          partitionId: partition,
          errorCode: errno,
          errorMessage: message,
        })),
      }));
      return withError(replicaElectionResults, ErrorCode.NONE, apiVersion);
    },
  );

function withError(
  replicaElectionResults: ElectLeadersAnswer["replicaElectionResults"],
  errorCode: number,
  apiVersion: number,
): ElectLeadersAnswer {
  return { throttleTimeMs: 0, ...(apiVersion >= FIRST_VERSION_WITH_TYPES && { errorCode }), replicaElectionResults };
}

function wholeRequestFailed(
  { topicPartitions }: ElectLeadersRequest,
  { errno, message }: WholeRequestError,
  version: number,
): ElectLeadersAnswer {
  const results = (topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode: errno, errorMessage: message })),
  }));
  return withError(results, errno, version);
}
