import { type OffsetDeleteAnswer, offsetDeleteError } from "@ottla/coordinator/internal";
import { ErrorCode, offsetDeleteApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** OffsetDelete: topics that do not exist are refused here, the rest is the coordinator's. */
export const offsetDeleteHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    offsetDeleteApi,
    { minVersion: 0, maxVersion: 0, errorResponse: (_, { errno }) => offsetDeleteError(errno) },
    (request) => {
      const { topicsByName } = broker.image;
      const known = { ...request, topics: request.topics.filter(({ name }) => topicsByName.has(name)) };
      const unknown = request.topics
        .filter(({ name }) => !topicsByName.has(name))
        .map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          })),
        }));
      const answer = groups.ask<OffsetDeleteAnswer>(
        request.groupId,
        (ticket) => ({ type: "offsetDelete", request: known, ticket }),
        offsetDeleteError,
      );
      return later(
        answer.then((result) =>
          result.errorCode === ErrorCode.NONE ? { ...result, topics: [...result.topics, ...unknown] } : result,
        ),
      );
    },
  );
