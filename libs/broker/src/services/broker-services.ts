import type { Committed, ControllerOperation, MetadataImage, SubmitOptions } from "@ottla/metadata";
import type { DiskSpace, Runtime } from "@ottla/runtime";
import type { LogResources, PartitionLog } from "@ottla/storage";
import type { BrokerLinks } from "../cluster/broker-links.ts";
import type { ControllerClient } from "../cluster/controller-client.ts";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { ServedApi } from "../dispatch/handler-registry.ts";
import type { LogActivity } from "../metrics/log-activity.ts";
import type { RequestMetrics } from "../metrics/request-metrics.ts";
import type { BatchPreparation } from "../partition/batch-preparation.ts";
import type { DeadlineQueue } from "../partition/deadline-queue.ts";
import type { FetchSessionCache } from "../partition/fetch-session-cache.ts";
import type { PartitionRegistry } from "../partition/partition-registry.ts";
import type { Purgatory } from "../partition/purgatory.ts";
import type { ReplicaMoves } from "../partition/replica-moves.ts";
import type { ClientQuotas } from "../quotas/client-quotas.ts";
import type { Replication } from "../replication/replication.ts";
import type { LeaderThrottle } from "../replication/throttle.ts";
import type { SupportedFeatures } from "./features.ts";
import type { ProducerIds } from "./producer-ids.ts";
import type { TopicCreator } from "./topic-creator.ts";

/** What handlers work with: one broker's parts. */
export interface BrokerServices {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly runtime: Runtime;
  readonly logDirectories: readonly DescribedDirectory[];
  /** Memory and files in use by the logs of all directories. */
  readonly logResources: () => LogResources;
  /** What they have done. */
  readonly logActivity: LogActivity;
  /** The configs as of now; they change at run time. */
  readonly config: BrokerConfig;
  /** The metadata as far as this broker has acted on it: the logs of its partitions are open. */
  readonly image: MetadataImage;
  /** Resolves when {@link image} shows all that this broker has begun to act on, such as a leadership that it was told of. */
  imagePublished(): Promise<void>;
  readonly partitions: PartitionRegistry;
  /** Replicas on their way to other log directories. */
  readonly replicaMoves: ReplicaMoves;
  readonly purgatory: Purgatory;
  readonly preparation: BatchPreparation;
  readonly fetchSessions: FetchSessionCache;
  readonly leaderThrottle: LeaderThrottle;
  readonly quotas: ClientQuotas;
  /** What its replicas have done, and how far they are. */
  readonly replication: Pick<Replication, "counters" | "lags">;
  readonly deadlines: DeadlineQueue;
  readonly controller: ControllerGateway;
  readonly controllerClient: ControllerClient;
  /** Connections to the other brokers. */
  readonly links: BrokerLinks;
  /** The epoch of this broker's present registration, or -1 before the first one. */
  readonly brokerEpoch: () => number;
  readonly producerIds: ProducerIds;
  readonly topics: TopicCreator;
  /** What requests were like so far. */
  readonly requests: RequestMetrics;
  readonly supportedFeatures: SupportedFeatures;
  /** What ApiVersions answers. */
  readonly servedApis: () => readonly ServedApi[];
}

/** A log directory, as clients are told of it. */
export interface DescribedDirectory {
  /** What a person calls it. */
  readonly name: string;
  readonly isOnline: boolean;
  /** Its logs whose compaction failed: they stay uncompacted until the next start. */
  readonly uncleanableLogs: number;
  /** Whether it holds the partition's log. */
  holds(topic: string, partition: number): boolean;
  /** The log in it that is to take the place of the partition's. */
  future(topic: string, partition: number): PartitionLog | undefined;
  /** How much room there is, or null where the disk cannot tell. */
  space(): Promise<DiskSpace | null>;
}

/** This broker's own controller, and what it knows of who has the office. */
export interface ControllerGateway {
  /** The broker that is controller, or -1. */
  readonly controllerId: number;
  /** Whether this broker has the office. */
  readonly isActive: boolean;
  /**
   * Runs an operation of the controller. Resolves when its records are in the metadata log and this broker has acted on
   * them.
   * @throws KafkaError what the operation throws; NOT_CONTROLLER where another broker has the office
   */
  submit<Response>(operation: ControllerOperation<Response>, options?: SubmitOptions): Promise<Committed<Response>>;
  /** Looks again who has the office: what is known has proved wrong. */
  refresh(): void;
}
