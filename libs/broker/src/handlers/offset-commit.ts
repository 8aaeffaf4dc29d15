import { type OffsetCommitAnswer, offsetCommitError } from "@ottla/coordinator/internal";
import { topicById } from "@ottla/metadata";
import { ErrorCode, type OffsetCommitRequest, offsetCommitApi } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import { withExistingPartitions, withUnknownPartitions } from "../groups/existing-partitions.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";

type CommitTopic = OffsetCommitRequest["topics"][number];
type TopicAnswer = OffsetCommitAnswer["topics"][number];

const FIRST_VERSION_WITH_TOPIC_IDS = 10;

/** OffsetCommit: topics without partitions are left out, as in Kafka; topics and partitions that do not exist are refused here, the rest is the coordinator's. */
export const offsetCommitHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    offsetCommitApi,
    { minVersion: 2, maxVersion: 10, errorResponse: (request, { errno }) => offsetCommitError(request, errno) },
    (asked, { apiVersion }) => {
      const request = { ...asked, topics: asked.topics.filter(({ partitions }) => partitions.length > 0) };
      const resolved = request.topics.map((topic) => resolveTopic(broker, topic, apiVersion));
      const known = { ...request, topics: resolved.filter((topic) => topic !== null) };
      const answer = groups.ask<OffsetCommitAnswer>(
        request.groupId,
        (ticket) => ({ type: "offsetCommit", request: known, apiVersion, ticket }),
        (errorCode) => offsetCommitError(known, errorCode),
      );
      return later(answer.then(({ topics }) => ({ topics: withUnknownTopics(request, resolved, topics, apiVersion) })));
    },
  );

/** The topic with both name and id, and the partitions that exist; null where there is no such topic. */
function resolveTopic({ image }: BrokerServices, topic: CommitTopic, apiVersion: number): CommitTopic | null {
  const isById = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const found = isById ? topicById(image, topic.topicId) : image.topicsByName.get(topic.name);
  if (found === undefined) return null;
  return { ...withExistingPartitions(topic, found), name: found.name, topicId: found.topicId };
}

function withUnknownTopics(
  request: OffsetCommitRequest,
  resolved: readonly (CommitTopic | null)[],
  answered: readonly TopicAnswer[],
  apiVersion: number,
): TopicAnswer[] {
  const isById = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const unknown = isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const refused = offsetCommitError(request, unknown).topics;
  let next = 0;
  return resolved.map((topic, index) => {
    if (topic === null) return refused[index]!;
    const answer = answered[next++]!;
    return { ...answer, partitions: withUnknownPartitions(request.topics[index]!, answer.partitions) };
  });
}
