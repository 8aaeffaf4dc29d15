import type { CatalogTopic, TopicCatalog } from "@ottla/coordinator/internal";
import { type MetadataImage, type TopicImage, topicById } from "@ottla/metadata";
import type { Uuid } from "@ottla/protocol";

/** The topics of the broker's metadata, always as of now, as the group coordinator knows them. */
export class BrokerTopicCatalog implements TopicCatalog {
  readonly #broker: { readonly image: MetadataImage };
  #topics: MetadataImage["topicsByName"] | null = null;
  #version = 0;

  constructor(broker: { readonly image: MetadataImage }) {
    this.#broker = broker;
  }

  /** The map of topics is another one whenever one of them has changed. */
  get version(): number {
    const { topicsByName } = this.#broker.image;
    if (topicsByName !== this.#topics) {
      this.#topics = topicsByName;
      this.#version++;
    }
    return this.#version;
  }

  byName(name: string): CatalogTopic | undefined {
    return describe(this.#broker.image.topicsByName.get(name));
  }

  byId(topicId: Uuid): CatalogTopic | undefined {
    return describe(topicById(this.#broker.image, topicId));
  }

  names(): Iterable<string> {
    return this.#broker.image.topicsByName.keys();
  }
}

function describe(topic: TopicImage | undefined): CatalogTopic | undefined {
  return topic && { name: topic.name, topicId: topic.topicId, partitionCount: topic.partitions.length };
}
