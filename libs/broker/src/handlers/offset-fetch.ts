import { type OffsetFetchGroup, type OffsetFetchGroupAnswer, offsetFetchError } from "@ottla/coordinator/internal";
import { topicById } from "@ottla/metadata";
import { ErrorCode, type OffsetFetchRequest, offsetFetchApi, type ResponseInput, ZERO_UUID } from "@ottla/protocol";
import { apiHandler, later } from "../api-handler.ts";
import type { GroupCoordinator } from "../groups/group-coordinator.ts";
import type { BrokerServices } from "../services/broker-services.ts";

type OffsetFetchAnswer = ResponseInput<typeof offsetFetchApi>;
type FetchTopic = NonNullable<OffsetFetchGroup["topics"]>[number];
type TopicAnswer = OffsetFetchGroupAnswer["topics"][number];

const FIRST_VERSION_WITH_GROUP_ERROR = 2;
const FIRST_VERSION_WITH_GROUPS = 8;
const FIRST_VERSION_WITH_TOPIC_IDS = 10;

/** OffsetFetch: one group up to v7, any number later; topics by name up to v9, by id later. */
export const offsetFetchHandler = (broker: BrokerServices, groups: GroupCoordinator) =>
  apiHandler(
    offsetFetchApi,
    { minVersion: 1, maxVersion: 10, errorResponse: fetchFailed },
    (request, { apiVersion }) => {
      const asked = groupsOf(request, apiVersion);
      const answers = asked.map((group) => fetchGroup(broker, groups, group, request.requireStable, apiVersion));
      return later(Promise.all(answers).then((fetched) => inVersion(asked, fetched, apiVersion)));
    },
  );

function groupsOf(request: OffsetFetchRequest, apiVersion: number): readonly OffsetFetchGroup[] {
  if (apiVersion >= FIRST_VERSION_WITH_GROUPS) return request.groups;
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }];
}

async function fetchGroup(
  broker: BrokerServices,
  groups: GroupCoordinator,
  group: OffsetFetchGroup,
  requireStable: boolean,
  apiVersion: number,
): Promise<OffsetFetchGroupAnswer> {
  const { groupId } = group;
  const resolved = group.topics?.map((topic) => resolveTopic(broker, topic, apiVersion)) ?? null;
  const topics = resolved?.filter((topic) => topic !== null) ?? null;
  const answer = await groups.ask<OffsetFetchGroupAnswer>(
    groupId,
    (ticket) => ({ type: "offsetFetch", request: { ...group, topics }, requireStable, ticket }),
    (errorCode) => offsetFetchError(groupId, errorCode),
  );
  if (answer.errorCode) return answer;
  if (resolved === null) return { ...answer, topics: existingTopics(broker, answer.topics, apiVersion) };
  let next = 0;
  const inOrder = resolved.map((topic, index) =>
    topic === null ? unknownTopic(group.topics![index]!) : answer.topics[next++]!,
  );
  return { ...answer, topics: inOrder };
}

/** By id a topic has to exist; by name its offsets are still given after it is gone. */
function resolveTopic({ image }: BrokerServices, topic: FetchTopic, apiVersion: number): FetchTopic | null {
  if (apiVersion < FIRST_VERSION_WITH_TOPIC_IDS) {
    return { ...topic, topicId: image.topicsByName.get(topic.name)?.topicId ?? topic.topicId };
  }
  const found = topicById(image, topic.topicId);
  return found === undefined ? null : { ...topic, name: found.name };
}

function unknownTopic({ topicId, partitionIndexes }: FetchTopic): TopicAnswer {
  return {
    topicId,
    partitions: partitionIndexes.map((partition) => failedPartition(partition, ErrorCode.UNKNOWN_TOPIC_ID)),
  };
}

function failedPartition(partitionIndex: number, errorCode: number): TopicAnswer["partitions"][number] {
  return { partitionIndex, committedOffset: -1, metadata: "", errorCode };
}

/** A client that knows topics by their ids cannot be told of one that has none. */
function existingTopics(
  { image }: BrokerServices,
  topics: readonly TopicAnswer[],
  apiVersion: number,
): readonly TopicAnswer[] {
  if (apiVersion < FIRST_VERSION_WITH_TOPIC_IDS) return topics;
  return topics.flatMap((topic) => {
    const found = image.topicsByName.get(topic.name ?? "");
    return found === undefined ? [] : [{ ...topic, topicId: found.topicId }];
  });
}

function inVersion(
  asked: readonly OffsetFetchGroup[],
  fetched: readonly OffsetFetchGroupAnswer[],
  apiVersion: number,
): OffsetFetchAnswer {
  if (apiVersion >= FIRST_VERSION_WITH_GROUPS) return { groups: fetched };
  const { errorCode = ErrorCode.NONE, topics } = fetched[0]!;
  if (apiVersion >= FIRST_VERSION_WITH_GROUP_ERROR || errorCode === ErrorCode.NONE) {
    return { errorCode, topics: topics.map(byName) };
  }
  const failed = asked[0]!.topics ?? [];
  return {
    topics: failed.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => failedPartition(partition, errorCode)),
    })),
  };
}

function byName({ name, partitions }: TopicAnswer) {
  return { name: name ?? "", partitions };
}

function fetchFailed(
  request: OffsetFetchRequest,
  { errno }: { readonly errno: number },
  version: number,
): OffsetFetchAnswer {
  const asked = groupsOf(request, version);
  return inVersion(
    asked,
    asked.map(({ groupId }) => offsetFetchError(groupId, errno)),
    version,
  );
}
