import type { Runtime } from "@ottla/runtime";
import type { FrameMemory, ReconnectingConnection } from "@ottla/transport";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { Partition } from "../partition/partition.ts";
import type { Following } from "../partition/partition-registry.ts";
import { FetchMemory } from "./fetch-memory.ts";
import { Replica } from "./replica.ts";
import { ReplicaFetcher } from "./replica-fetcher.ts";
import type { ReplicationCounters } from "./replication-counters.ts";
import type { FollowerThrottle } from "./throttle.ts";

export interface ReplicaFetchersOptions {
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
  readonly config: () => BrokerConfig;
  readonly runtime: Runtime;
  readonly throttle: FollowerThrottle;
  readonly counters: ReplicationCounters;
  readonly link: LinkToBroker;
}

/** The way to another broker, for one purpose; null while nobody knows it. Its answers are read to `memory`. */
export type LinkToBroker = (brokerId: number, purpose: string, memory: FrameMemory) => ReconnectingConnection | null;

/** How many committed records a replica lacks. */
export interface ReplicaLag {
  readonly topic: string;
  readonly partition: number;
  readonly leaderId: number;
  readonly lag: number;
}

interface Followed {
  readonly replica: Replica;
  readonly fetcher: ReplicaFetcher;
}

/**
 * Keeps the partitions that this broker follows as their leaders': for each leader `num.replica.fetchers` fetchers, among
 * which its partitions are spread.
 */
export class ReplicaFetchers implements Following {
  readonly #options: ReplicaFetchersOptions;
  readonly #fetchers = new Map<string, ReplicaFetcher>();
  readonly #followed = new Map<Partition, Followed>();
  readonly #memory = new FetchMemory();

  constructor(options: ReplicaFetchersOptions) {
    this.#options = options;
  }

  follow(partition: Partition): void {
    const replica = new Replica(partition, this.#options.runtime);
    const fetcher = this.#fetcherFor(partition);
    this.#followed.set(partition, { replica, fetcher });
    fetcher.add(replica);
  }

  async unfollow(partition: Partition): Promise<void> {
    const followed = this.#followed.get(partition);
    if (followed === undefined) return;
    this.#followed.delete(partition);
    followed.fetcher.remove(followed.replica);
    await followed.replica.stop();
  }

  *lags(): Generator<ReplicaLag> {
    for (const [{ topic, partition, leaderId }, { replica }] of this.#followed) {
      yield { topic, partition, leaderId, lag: replica.lag };
    }
  }

  /** Ends all fetching. Resolves when nothing is being done to the logs. */
  async close(): Promise<void> {
    for (const fetcher of this.#fetchers.values()) fetcher.close();
    this.#fetchers.clear();
    await Promise.all(Array.from(this.#followed.values(), ({ replica }) => replica.stop()));
    this.#followed.clear();
  }

  #fetcherFor({ leaderId, topic, partition }: Partition): ReplicaFetcher {
    const index = (hashOf(topic) + partition) % this.#options.config().require("num.replica.fetchers");
    const key = `${leaderId} ${index}`;
    let fetcher = this.#fetchers.get(key);
    if (fetcher === undefined) {
      const memory = this.#memory;
      const purpose = `fetcher-${index}`;
      const connection = () => this.#options.link(leaderId, purpose, memory.frames);
      fetcher = new ReplicaFetcher({ ...this.#options, memory, connection });
      this.#fetchers.set(key, fetcher);
    }
    return fetcher;
  }
}

/** Spreads topics; which way is nobody's business. */
function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) & 0x3fffffff;
  return hash;
}
