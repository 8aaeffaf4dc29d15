import { ErrorCode, type KafkaError, type Uuid, ZERO_UUID } from "@ottla/protocol";
import { type MetadataImage, topicById } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import {
  type ControllerResult,
  type ControllerState,
  checkItemsCount,
  FREE,
  type ItemOutcome,
  type MutationCharge,
  outcomeOf,
  refuse,
  SUCCESS,
} from "./controller-state.ts";
import { distinctBy, duplicatesOf } from "./duplicates.ts";

/** A topic by name, or by id with a null name. */
export interface TopicReference {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export interface DeletedTopic extends ItemOutcome, TopicReference {}

/** Deletes topics, each on its own. A reference that is given more than once is answered once. Their logs go when the brokers see that the topics are gone. */
export function deleteTopics(
  state: ControllerState,
  references: readonly TopicReference[],
  charge: MutationCharge = FREE,
): ControllerResult<readonly DeletedTopic[]> {
  if (!state.policy.deleteTopicEnable) {
    throw refuse(ErrorCode.TOPIC_DELETION_DISABLED, "Topic deletion is disabled (delete.topic.enable=false).");
  }
  checkItemsCount(references.length);
  const deleted = new Set<Uuid>();
  const duplicates = duplicatesOf(references.map(keyOf));
  const ambiguous = idsNamedToo(state.image, references);
  const asked = references.filter(({ name, topicId }) => name !== null || !ambiguous.has(topicId));
  const response = distinctBy(asked, keyOf).map((reference) => {
    try {
      if (duplicates.has(keyOf(reference))) throw duplicate(reference);
      const topic = resolve(state.image, reference);
      if (ambiguous.has(topic.topicId)) {
        const message = "The provided topic name maps to an ID that was already supplied.";
        return { errno: ErrorCode.INVALID_REQUEST, message, name: topic.name, topicId: topic.topicId };
      }
      charge(topic.partitions.length);
      deleted.add(topic.topicId);
      return { ...SUCCESS, name: topic.name, topicId: topic.topicId };
    } catch (error) {
      return { ...outcomeOf(error), ...reference };
    }
  });
  const records = [...deleted].map((topicId): NewMetadataRecord => ({ type: "RemoveTopicRecord", topicId }));
  return { records, response };
}

/** Topics that are given by their id and by their name: they are answered, and refused, under the name. */
function idsNamedToo(image: MetadataImage, references: readonly TopicReference[]): ReadonlySet<Uuid> {
  const ids = new Set(references.filter(({ name }) => name === null).map(({ topicId }) => topicId));
  const named = references.filter(({ name, topicId }) => name !== null && topicId === ZERO_UUID);
  const namedIds = named.flatMap(({ name }) => image.topicsByName.get(name ?? "")?.topicId ?? []);
  return new Set(namedIds.filter((topicId) => ids.has(topicId)));
}

/** What a topic is referred to by. With both, or neither, it is refused whatever else there is. */
function keyOf({ name, topicId }: TopicReference): string {
  return name === null ? `id ${topicId}` : `name ${name} ${topicId}`;
}

function duplicate({ name }: TopicReference): KafkaError {
  return refuse(ErrorCode.INVALID_REQUEST, name === null ? "Duplicate topic id." : "Duplicate topic name.");
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
