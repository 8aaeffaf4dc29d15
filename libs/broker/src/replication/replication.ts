import { brokerById, type MetadataImage, topicById } from "@ottla/metadata";
import type { Runtime, Timer } from "@ottla/runtime";
import type { AlteredPartition, ControllerClient, PartitionAlteration } from "../cluster/controller-client.ts";
import type { BrokerConfig } from "../config/broker-config.ts";
import { LONG_MAX } from "../config/config-definition.ts";
import type { Partition } from "../partition/partition.ts";
import type { Following } from "../partition/partition-registry.ts";
import type { Purgatory } from "../partition/purgatory.ts";
import type { ReplicationEnvironment } from "../partition/replication-environment.ts";
import { IsrChanges } from "./isr-changes.ts";
import { type LinkToBroker, ReplicaFetchers, type ReplicaLag } from "./replica-fetchers.ts";
import { ReplicationCounters } from "./replication-counters.ts";
import { FollowerThrottle, LeaderThrottle } from "./throttle.ts";

export interface ReplicationOptions {
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  readonly runtime: Runtime;
  readonly controller: () => Pick<ControllerClient, "alterPartition">;
  /** Where followers' fetches wait. */
  readonly purgatory: Pick<Purgatory, "callFollower">;
  readonly link: LinkToBroker;
}

/** The replication of one broker's partitions: what they need as leaders, and what keeps them up as followers. */
export class Replication {
  readonly environment: ReplicationEnvironment;
  readonly following: Following;
  readonly leaderThrottle: LeaderThrottle;
  readonly counters = new ReplicationCounters();
  readonly #options: ReplicationOptions;
  readonly #fetchers: ReplicaFetchers;
  readonly #isrChanges: IsrChanges;
  #timer: Timer | null = null;

  constructor(options: ReplicationOptions) {
    const { nodeId, runtime, brokerEpoch, config, image, controller } = options;
    this.#options = options;
    this.#isrChanges = new IsrChanges({ controller, timers: runtime.timers, logger: runtime.logger });
    const leaderRate = () => rateOf(config().require("leader.replication.throttled.rate"));
    const followerRate = () => rateOf(config().require("follower.replication.throttled.rate"));
    this.leaderThrottle = new LeaderThrottle(nodeId, runtime.clock, leaderRate);
    const throttle = new FollowerThrottle(nodeId, runtime.clock, followerRate);
    this.#fetchers = new ReplicaFetchers({ ...options, throttle, counters: this.counters });
    this.following = this.#fetchers;
    this.environment = {
      nodeId,
      clock: runtime.clock,
      brokerEpoch,
      brokerOf: (brokerId) => brokerById(image(), brokerId),
      followerExpected: (brokerId) => options.purgatory.callFollower(brokerId),
      replicaLagTimeMaxMs: () => config().require("replica.lag.time.max.ms"),
      alterPartition: (alteration, isWanted) => this.#alterPartition(alteration, isWanted),
    };
  }

  /** Has the leaders among `partitions` look for lagging followers now and then, as Kafka does. */
  watch(partitions: { all(): Iterable<Partition> }): void {
    const { config, runtime } = this.#options;
    this.#timer = runtime.timers.schedule(config().require("replica.lag.time.max.ms") / 2, () => {
      for (const partition of partitions.all()) partition.leadership?.maybeShrinkIsr();
      this.watch(partitions);
    });
  }

  /** How far each replica that follows is behind its leader. */
  readonly lags = (): Iterable<ReplicaLag> => this.#fetchers.lags();

  async #alterPartition(alteration: PartitionAlteration, isWanted: () => boolean): Promise<AlteredPartition | null> {
    const topic = topicById(this.#options.image(), alteration.topicId);
    const membersBefore = topic?.partitions[alteration.partition]?.isr.length ?? 0;
    const altered = await this.#isrChanges.submit(alteration, isWanted);
    if (altered !== null) this.counters.isrAltered(altered, membersBefore);
    return altered;
  }

  /** Ends it. Resolves when nothing is being done to the logs. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#isrChanges.close();
    await this.#fetchers.close();
  }
}

/** Kafka's largest long stands for no bound. */
function rateOf(bytesPerSecond: number): number {
  return bytesPerSecond >= LONG_MAX ? Number.POSITIVE_INFINITY : bytesPerSecond;
}
