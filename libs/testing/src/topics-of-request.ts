/** A topic of a request's body, in whatever form the API names it. */
type NamedTopic =
  | string
  | {
      readonly name?: string | null;
      readonly topic?: string;
      readonly topicId?: string;
      readonly partitionData?: readonly { readonly index: number }[];
      readonly partitions?: unknown;
    };

/** Where requests keep the topics that they are about. */
interface BodyWithTopics {
  readonly topicData?: readonly NamedTopic[] | null;
  readonly topics?: readonly NamedTopic[] | null;
  readonly topicNames?: readonly NamedTopic[] | null;
}

/** A topic that a request names. */
export interface RequestedTopic {
  readonly name: string;
  /** Of a Produce request: the partitions that it writes to. */
  readonly partitions: readonly number[];
}

/**
 * The topics that a request names. A fetch within a session names only what changes since the fetch before.
 * @param nameOf the name of a topic id; later versions name topics by those
 */
export function topicsOfRequest(body: unknown, nameOf: (topicId: string) => string | undefined): RequestedTopic[] {
  const { topicData, topics, topicNames } = body as BodyWithTopics;
  return [topicData, topics, topicNames].flatMap((list) => list ?? []).flatMap((topic) => toRequested(topic, nameOf));
}

function toRequested(topic: NamedTopic, nameOf: (topicId: string) => string | undefined): RequestedTopic[] {
  if (typeof topic === "string") return [{ name: topic, partitions: [] }];
  const name = topic.name || topic.topic || (topic.topicId === undefined ? undefined : nameOf(topic.topicId));
  if (name === undefined) return [];
  return [{ name, partitions: (topic.partitionData ?? []).map(({ index }) => index) }];
}
