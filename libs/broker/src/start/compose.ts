import { brokerById, EMPTY_IMAGE, type MetadataImage } from "@ottla/metadata";
import { isOnline, type LogDirectories, type LogDirectory } from "@ottla/storage";
import type { BrokerDirectory } from "../broker-options.ts";
import { BrokerLinks } from "../cluster/broker-links.ts";
import { ClusterGateway } from "../cluster/cluster-gateway.ts";
import { ControllerChannel } from "../cluster/controller-channel.ts";
import { ControllerDuties } from "../cluster/controller-duties.ts";
import { withForwarding } from "../cluster/forwarded-handlers.ts";
import { type BrokerComponent, createComponents } from "../components.ts";
import { controllerQuotaWindows, leaderBalancing, quotaWindows } from "../config/component-options.ts";
import { HandlerRegistry } from "../dispatch/handler-registry.ts";
import { brokerHeartbeatHandler } from "../handlers/broker-heartbeat.ts";
import { brokerRegistrationHandler } from "../handlers/broker-registration.ts";
import { coreHandlers } from "../handlers/index.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import { BatchPreparation } from "../partition/batch-preparation.ts";
import { DeadlineQueue } from "../partition/deadline-queue.ts";
import { FetchSessionCache } from "../partition/fetch-session-cache.ts";
import { PartitionRegistry } from "../partition/partition-registry.ts";
import { Purgatory } from "../partition/purgatory.ts";
import { ReplicaMoves } from "../partition/replica-moves.ts";
import { ClientQuotas } from "../quotas/client-quotas.ts";
import { Replication } from "../replication/replication.ts";
import type { BrokerServices, DescribedDirectory } from "../services/broker-services.ts";
import type { DirectoryIdentity } from "../services/data-directory.ts";
import { DirectoryAssignments } from "../services/directory-assignments.ts";
import { LocalControllerGateway } from "../services/local-controller.ts";
import type { MetadataPlane } from "../services/metadata-plane.ts";
import { ProducerIds } from "../services/producer-ids.ts";
import { TopicCreator } from "../services/topic-creator.ts";
import type { StartContext } from "./start-context.ts";

/** What a broker of a cluster has that one on its own has not. */
export interface ClusterMember {
  readonly gateway: ClusterGateway;
  readonly duties: ControllerDuties;
}

/** The parts of a broker, put together. */
export interface Composition {
  readonly services: BrokerServices;
  readonly registry: HandlerRegistry;
  readonly parts: readonly BrokerComponent[];
  readonly channel: ControllerChannel;
  readonly assignments: DirectoryAssignments;
}

export function joinCluster(
  { options, config, closers, supportedFeatures }: StartContext,
  { nodeId }: DirectoryIdentity,
  plane: MetadataPlane,
): ClusterMember {
  const { runtime } = options;
  const gateway = new ClusterGateway({ nodeId, runtime, ...plane });
  closers.add(() => gateway.close());
  const duties = new ControllerDuties({
    runtime,
    supportedFeatures,
    sessionTimeoutMs: () => config.current.require("broker.session.timeout.ms"),
    balance: () => leaderBalancing(config.current),
    ...plane,
  });
  closers.add(() => duties.close());
  return { gateway, duties };
}

/** Puts a broker together; nothing of it runs before the metadata are followed. */
export function compose(
  context: StartContext,
  { nodeId, clusterId }: DirectoryIdentity,
  logs: LogDirectories,
  plane: MetadataPlane,
  member: ClusterMember | null,
): Composition {
  const { options, config, closers } = context;
  const { runtime } = options;
  const { follower } = plane;
  const currentConfig = () => config.current;
  const brokerEpoch = () => context.brokerEpoch;
  const deadlines = new DeadlineQueue(runtime.clock, runtime.timers);
  closers.add(() => deadlines.close());
  const purgatory = new Purgatory(runtime.timers, runtime.clock, deadlines);
  const { connector } = context;
  const links = new BrokerLinks({ nodeId, image: () => follower.image, config: currentConfig, connector, runtime });
  closers.add(() => links.close());
  const controller = member?.gateway ?? new LocalControllerGateway(nodeId, plane.controller);
  const catchUp = () => follower.catchUp();
  let registry: HandlerRegistry | null = null;
  const channel = new ControllerChannel({
    gateway: controller,
    links,
    registry: () => registry!,
    identity: () => ({ brokerId: nodeId, brokerEpoch: brokerEpoch() }),
    catchUp,
    requestTimeoutMs: () => config.current.require("request.timeout.ms"),
    runtime,
  });
  const replication = new Replication({
    nodeId,
    brokerEpoch,
    config: currentConfig,
    image: () => follower.image,
    runtime,
    controller: () => channel,
    purgatory,
    link: (brokerId, purpose, memory) => links.to(brokerId, purpose, memory),
  });
  closers.add(() => replication.close());
  const assignments = new DirectoryAssignments({ controller: channel, ...runtime });
  closers.add(() => assignments.close());
  const partitions = new PartitionRegistry({
    environment: replication.environment,
    following: replication.following,
    logs,
    logger: runtime.logger,
    timers: runtime.timers,
    configOf: (image, topic) => config.ofPartitions(image, topic),
    onAdvance: (partition) => purgatory.partitionMoved(partition),
    onPlaced: (assignment) => assignments.add(assignment),
  });
  closers.add(() => partitions.close());
  const replicaMoves = new ReplicaMoves({
    partitions,
    logs,
    bytesPerSecondMax: () => config.current.require("replica.alter.log.dirs.io.max.bytes.per.second"),
    ...runtime,
  });
  closers.add(() => replicaMoves.close());
  replication.watch(partitions);
  const quotas = new ClientQuotas({
    clock: runtime.clock,
    windows: () => quotaWindows(config.current),
    controllerWindows: () => controllerQuotaWindows(config.current),
  });
  let applied = EMPTY_IMAGE;
  follower.addListener(async (previous, next) => {
    config.take(next, nodeId);
    quotas.apply(next);
    // Until then it may be said to lead what its last life led, and may have lost of what others have of that epoch.
    if (applied === EMPTY_IMAGE && member !== null && !knowsThisLife(next, nodeId, context)) return;
    await partitions.apply(applied, next);
    applied = next;
    if (controller.isActive && previous.offset >= 0) replication.counters.metadataChanged(previous, next);
  });
  const services: BrokerServices = {
    nodeId,
    clusterId,
    runtime,
    logResources: () => logs.resources(),
    logActivity: context.logActivity,
    logDirectories: options.directories.map((directory, i) => described(directory, logs.all[i]!)),
    partitions,
    replicaMoves,
    purgatory,
    preparation: new BatchPreparation(runtime, options.preparationExecutor),
    fetchSessions: new FetchSessionCache({
      slotsMax: () => config.current.require("max.incremental.fetch.session.cache.slots"),
      ...runtime,
    }),
    leaderThrottle: replication.leaderThrottle,
    quotas,
    replication,
    deadlines,
    controller,
    controllerClient: channel,
    links,
    brokerEpoch,
    producerIds: new ProducerIds(channel),
    topics: new TopicCreator(channel, currentConfig, member === null),
    requests: new RequestMetrics(runtime.clock),
    supportedFeatures: context.supportedFeatures,
    servedApis: () => registry?.advertised() ?? [],
    get config() {
      return config.current;
    },
    get image() {
      return follower.image;
    },
    imagePublished: () => follower.published(),
  };
  const parts = createComponents(services);
  const core = coreHandlers(services);
  registry = new HandlerRegistry([
    ...(member === null ? core : withForwarding(core, { broker: services, channel, catchUp })),
    ...(member === null ? [] : [brokerRegistrationHandler(services, member.duties)]),
    ...(member === null ? [] : [brokerHeartbeatHandler(services, member.duties)]),
    ...parts.flatMap((part) => part.handlers),
  ]);
  for (const part of parts) {
    follower.addListener(async (previous, next) => part.metadataChanged?.(previous, next));
  }
  return { services, registry, parts, channel, assignments };
}

/** Whether the broker is registered as what it is now, so that the metadata no longer speak of an earlier life of it. */
function knowsThisLife(image: MetadataImage, nodeId: number, { incarnationId }: StartContext): boolean {
  return incarnationId !== null && brokerById(image, nodeId)?.incarnationId === incarnationId;
}

/** How a log directory is described to clients. */
function described({ disk, path, name }: BrokerDirectory, directory: LogDirectory): DescribedDirectory {
  return {
    name,
    get isOnline() {
      return isOnline(directory);
    },
    get uncleanableLogs() {
      return directory.logs?.uncleanableLogs ?? 0;
    },
    future: (topic, partition) => directory.logs?.future(topic, partition),
    holds: (topic, partition) => directory.logs?.get(topic, partition) !== undefined,
    space: async () => (await disk.space?.(path)) ?? null,
  };
}
