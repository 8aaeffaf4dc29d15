import { type OffsetDeleteAnswer, offsetDeleteError } from "@ottla/coordinator/internal";
import { ErrorCode, type OffsetDeleteRequest, offsetDeleteApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { withExistingPartitions, withUnknownPartitions } from "../groups/existing-partitions.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";

/** OffsetDelete: partitions that do not exist are refused here, the rest is the coordinator's. */
export const offsetDeleteHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    offsetDeleteApi,
    { minVersion: 0, maxVersion: 0, errorResponse: (_, { errno }) => offsetDeleteError(errno) },
    (request) => {
      const { topicsByName } = broker.image;
      const topics = request.topics
        .map((topic) => withExistingPartitions(topic, topicsByName.get(topic.name)))
        .filter(({ partitions }) => partitions.length > 0);
      const answer = groups.ask<OffsetDeleteAnswer>(
        request.groupId,
        (ticket) => ({ type: "offsetDelete", request: { ...request, topics }, ticket }),
        offsetDeleteError,
      );
      return later(answer.then((result) => complete(request, result)));
    },
  );

function complete(request: OffsetDeleteRequest, result: OffsetDeleteAnswer): OffsetDeleteAnswer {
  if (result.errorCode !== ErrorCode.NONE) return result;
  const asked = request.topics.filter(({ partitions }) => partitions.length > 0);
  const topics = asked.map((topic) => {
    const answered = result.topics.filter(({ name }) => name === topic.name).flatMap(({ partitions }) => partitions);
    return { name: topic.name, partitions: withUnknownPartitions(topic, answered) };
  });
  return { ...result, topics };
}
