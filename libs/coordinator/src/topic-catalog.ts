import type { Uuid } from "@ottla/protocol";

/** A topic as far as groups are concerned. */
export interface CatalogTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionCount: number;
}

/** The topics that there are. Read at the moment a step needs them: what follows from it is written into the log. */
export interface TopicCatalog {
  /** Another number whenever a topic has come, gone or grown. */
  readonly version: number;
  byName(name: string): CatalogTopic | undefined;
  byId(topicId: Uuid): CatalogTopic | undefined;
  names(): Iterable<string>;
}

/** No topics. */
export const emptyTopicCatalog: TopicCatalog = {
  version: 0,
  byName: () => undefined,
  byId: () => undefined,
  names: () => [],
};
