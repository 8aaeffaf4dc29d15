import { type ConfigImage, ConfigResourceType, configsOf, type MetadataImage } from "@ottla/metadata";
import type { BrokerConfig } from "./broker-config.ts";
import { type PartitionConfig, partitionConfigOf, TopicConfig } from "./topic-config.ts";

/** The configs of a broker as of now: those of its files, with what is set at run time. */
export class LiveConfig {
  #static: BrokerConfig;
  #current: BrokerConfig;
  /** What has been worked out by the present configs, by what topics have of their own. */
  #ofPartitions = new WeakMap<ConfigImage, PartitionConfig>();

  constructor(fromFiles: BrokerConfig) {
    this.#static = fromFiles;
    this.#current = fromFiles;
  }

  get current(): BrokerConfig {
    return this.#current;
  }

  /** Its files may have left the id open. */
  settleNodeId(nodeId: number): void {
    this.#static = this.#static.withStatic("node.id", String(nodeId));
    this.#become(this.#current.withStatic("node.id", String(nodeId)));
  }

  /** Takes over what the metadata say of this broker and of all brokers. */
  take(image: MetadataImage, nodeId: number): void {
    const own = configsOf(image, ConfigResourceType.BROKER, String(nodeId));
    const all = configsOf(image, ConfigResourceType.BROKER, "");
    this.#become(this.#static.withDynamic(own, all));
  }

  /** What partitions of the topic obey. */
  ofPartitions(image: MetadataImage, topic: string): PartitionConfig {
    const own = configsOf(image, ConfigResourceType.TOPIC, topic);
    let config = this.#ofPartitions.get(own);
    if (config === undefined) {
      config = partitionConfigOf(new TopicConfig(own, this.#current));
      this.#ofPartitions.set(own, config);
    }
    return config;
  }

  #become(current: BrokerConfig): void {
    this.#current = current;
    this.#ofPartitions = new WeakMap();
  }
}
