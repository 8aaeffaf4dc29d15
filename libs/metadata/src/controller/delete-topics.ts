import { ErrorCode, type Uuid, ZERO_UUID } from "@ottla/protocol";
import { type MetadataImage, topicById } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  type ItemOutcome,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";

/** A topic by name, or by id with a null name. */
export interface TopicReference {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export interface DeletedTopic extends ItemOutcome, TopicReference {}

/** Deletes topics, each on its own. Their logs go when the brokers see that the topics are gone. */
export function deleteTopics(
  state: ControllerState,
  references: readonly TopicReference[],
): ControllerResult<readonly DeletedTopic[]> {
  if (!state.policy.deleteTopicEnable) {
    throw refuse(ErrorCode.TOPIC_DELETION_DISABLED, "Topic deletion is disabled (delete.topic.enable=false).");
  }
  checkItemsCount(references.length);
  const deleted = new Set<Uuid>();
  const response = references.map((reference) => {
    try {
      const topic = resolve(state.image, reference);
      if (deleted.has(topic.topicId)) throw refuse(ErrorCode.INVALID_REQUEST, "Duplicate topic in the request.");
      deleted.add(topic.topicId);
      return { ...SUCCESS, name: topic.name, topicId: topic.topicId };
    } catch (error) {
      return { ...outcomeOf(error), ...reference };
    }
  });
  const records = [...deleted].map((topicId): NewMetadataRecord => ({ type: "RemoveTopicRecord", topicId }));
  return { records, response };
}

function resolve(image: MetadataImage, { name, topicId }: TopicReference) {
  if (name !== null && topicId !== ZERO_UUID) {
    throw refuse(ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id.");
  }
  if (name === null && topicId === ZERO_UUID) {
    throw refuse(ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.");
  }
  const topic = name === null ? topicById(image, topicId) : image.topicsByName.get(name);
  if (topic !== undefined) return topic;
  throw name === null
    ? refuse(ErrorCode.UNKNOWN_TOPIC_ID, "This server does not host this topic ID.")
    : refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition.");
}
