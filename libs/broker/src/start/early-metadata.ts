import { METADATA_TOPIC, MetadataFollower, type MetadataImage, type MetadataLog } from "@ottla/metadata";
import type { Runtime } from "@ottla/runtime";
import type { LogConfig } from "@ottla/storage";
import type { BrokerConfig } from "../config/broker-config.ts";
import { LiveConfig } from "../config/live-config.ts";
import { type LocalMetadata, METADATA_LOG_CONFIG, openLocalMetadataLog } from "../services/metadata-plane.ts";

/** A metadata log, and what has been read of it. */
export interface FollowedLog {
  readonly log: MetadataLog;
  readonly follower: MetadataFollower;
}

/** Where a broker on its own has its metadata. */
export type OwnMetadata = Omit<LocalMetadata, "runtime">;

/** What the metadata say, with the configs of this broker by them. */
interface Loaded {
  readonly image: MetadataImage;
  readonly config: LiveConfig;
}

/**
 * The metadata before there is anybody to be told of them. As in Kafka they are read before the logs of partitions are
 * opened: what an unclean stop has left is recovered by the configs of its topic.
 */
export class EarlyMetadata {
  readonly #runtime: Runtime;
  readonly #fromFiles: BrokerConfig;
  #followed: Promise<FollowedLog> | null = null;
  #loaded: Promise<Loaded> | null = null;

  constructor(runtime: Runtime, fromFiles: BrokerConfig) {
    this.#runtime = runtime;
    this.#fromFiles = fromFiles;
  }

  /** Takes the log that the cluster shares. A broker on its own has none. */
  share(log: MetadataLog): void {
    this.#followed = Promise.resolve(this.#follow(log));
  }

  /** The cluster's log or, for a broker on its own, its own: the same at every call. */
  followed(own: OwnMetadata): Promise<FollowedLog> {
    this.#followed ??= openLocalMetadataLog({ ...own, runtime: this.#runtime }).then((log) => this.#follow(log));
    return this.#followed;
  }

  /** What the logs of a topic obey that are found in a directory of this broker. */
  async configOf(topic: string, nodeId: number, own: OwnMetadata): Promise<LogConfig> {
    if (topic === METADATA_TOPIC) return METADATA_LOG_CONFIG;
    this.#loaded ??= this.#load(nodeId, own);
    const { image, config } = await this.#loaded;
    return config.ofPartitions(image, topic);
  }

  async #load(nodeId: number, own: OwnMetadata): Promise<Loaded> {
    const { follower } = await this.followed(own);
    const image = await follower.load();
    const config = new LiveConfig(this.#fromFiles);
    config.take(image, nodeId);
    return { image, config };
  }

  #follow(log: MetadataLog): FollowedLog {
    return { log, follower: new MetadataFollower(log, this.#runtime) };
  }
}
