import {
  type BrokerAnnouncement,
  type BrokerEndpoint,
  ConfigResourceType,
  type ControllerPolicy,
  configsOf,
  finalizeFeatures,
  METADATA_TOPIC,
  type MetadataImage,
  type MetadataLog,
  randomUuid,
  registerBroker,
  setOnlineDirectories,
} from "@ottla/metadata";
import type { DiskError, Runtime } from "@ottla/runtime";
import {
  type CompactionExecutor,
  defaultLogConfig,
  isOnline,
  type LogCleanerOptions,
  type LogDirectories,
  type LogDirectory,
  type LogManager,
  LogMemory,
  openLogManager,
} from "@ottla/storage";
import {
  type Connector,
  createDefaultConnector,
  type HttpHandler,
  type RequestHandler,
  type ServerConnection,
} from "@ottla/transport";
import { BrokerLifecycle } from "./cluster/broker-lifecycle.ts";
import { BrokerLinks } from "./cluster/broker-links.ts";
import { ClusterGateway } from "./cluster/cluster-gateway.ts";
import { ControllerChannel } from "./cluster/controller-channel.ts";
import { ControllerDuties } from "./cluster/controller-duties.ts";
import { withForwarding } from "./cluster/forwarded-handlers.ts";
import { type BrokerComponent, createComponents } from "./components.ts";
import type { BrokerConfig } from "./config/broker-config.ts";
import { TableConfigPolicy } from "./config/config-policy.ts";
import { type ListenerConfig, listenersOf, unadvertisedWildcards } from "./config/listeners.ts";
import { type PartitionConfig, partitionConfigOf, TopicConfig } from "./config/topic-config.ts";
import { createDispatcher } from "./dispatch/dispatcher.ts";
import { HandlerRegistry } from "./dispatch/handler-registry.ts";
import { brokerHeartbeatHandler } from "./handlers/broker-heartbeat.ts";
import { brokerRegistrationHandler } from "./handlers/broker-registration.ts";
import { coreHandlers } from "./handlers/index.ts";
import { brokerFamilies } from "./metrics/broker-metrics.ts";
import type { MetricFamily } from "./metrics/metric-family.ts";
import { RequestMetrics } from "./metrics/request-metrics.ts";
import { BatchPreparation } from "./partition/batch-preparation.ts";
import { DeadlineQueue } from "./partition/deadline-queue.ts";
import { FetchSessionCache } from "./partition/fetch-session-cache.ts";
import { PartitionRegistry } from "./partition/partition-registry.ts";
import { Purgatory } from "./partition/purgatory.ts";
import { removeStrayLogs } from "./partition/stray-logs.ts";
import { Replication } from "./replication/replication.ts";
import type { BrokerServices, DescribedDirectory } from "./services/broker-services.ts";
import { Closers } from "./services/closers.ts";
import type { DirectoryIdentity } from "./services/data-directory.ts";
import { DirectoryAssignments } from "./services/directory-assignments.ts";
import { levelsToFinalize, supportedFeatures } from "./services/features.ts";
import { LocalControllerGateway } from "./services/local-controller.ts";
import {
  createMetadataPlane,
  METADATA_LOG_CONFIG,
  type MetadataPlane,
  openLocalMetadataLog,
} from "./services/metadata-plane.ts";
import {
  type DataDirectory,
  type OpenDirectories,
  onlineIds,
  openDirectories,
  removeCleanShutdownMarks,
} from "./services/open-directories.ts";
import { originsOfBrokers } from "./services/origins-of-brokers.ts";
import { ProducerIds } from "./services/producer-ids.ts";
import {
  advertisedUrlOf,
  type OpenListener,
  type OpenServer,
  type ServerLimits,
  type StartServer,
  tcpAddressOf,
} from "./services/server.ts";
import { type OpenMetadataLog, sharedMetadataLog } from "./services/shared-metadata-log.ts";
import { TopicCreator } from "./services/topic-creator.ts";

export interface BrokerOptions {
  readonly config: BrokerConfig;
  /** `log.dirs`. The first gets the cluster's metadata, where none has it yet. */
  readonly directories: readonly BrokerDirectory[];
  readonly runtime: Runtime;
  readonly startServer: StartServer;
  /** Opens the metadata log of a cluster. Default: what `zookeeper.connect` says; without that the broker is alone. */
  readonly openMetadataLog?: OpenMetadataLog;
  /** How this broker reaches others. Default: the platform's. */
  readonly connector?: Connector;
  /** Answers plain HTTP on the listeners. */
  readonly http?: HttpHandler;
  /**
   * Called when the broker cannot go on, because the disk of the metadata or of all log directories has failed. Without
   * it the broker lives on as far as it can.
   */
  readonly onFatal?: (error: DiskError) => void;
}

export interface BrokerDirectory extends DataDirectory {
  /** Where the directory's logs are compacted. Default: in this thread. */
  readonly compactionExecutor?: CompactionExecutor;
}

/** One broker. Several run in one process, each with its own directory and ports. */
export interface Broker {
  readonly clusterId: string;
  readonly nodeId: number;
  /** The open ports, with the real port where 0 was asked for. */
  readonly listeners: readonly OpenListener[];
  readonly connectionCount: number;
  /** Whether {@link shutdown} was called. */
  readonly isStopping: boolean;
  /** The connections that speak Kafka, as of now. */
  connections(): Iterable<ServerConnection>;
  /** What the broker tells of itself; values are read as one comes to them. */
  metrics(): Promise<Iterable<MetricFamily>>;
  /** For tools and tests that look inside. */
  readonly services: BrokerServices;
  /** Answers what is in flight, writes everything to disk, and marks the stop as clean. Calls after the first share it. */
  shutdown(): Promise<void>;
}

/** How long requests in flight may take to end at shutdown. */
const DRAIN_GRACE_MS = 5_000;

/**
 * Opens the data directory, replays the metadata, opens the logs, listens, and registers the broker. Resolves when clients
 * are served. What was opened is closed again when a later step fails.
 * @throws ConfigError, StartupError, DiskError and what `startServer` throws
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const closers = new Closers();
  try {
    return await new BrokerStart(options, closers).run();
  } catch (error) {
    await closers.closeAll().catch(() => {});
    throw error;
  }
}

/** What a broker of a cluster has that one on its own has not. */
interface ClusterMember {
  readonly gateway: ClusterGateway;
  readonly duties: ControllerDuties;
}

/** What a broker has to say of itself when it starts. */
interface StartInCluster {
  readonly announcement: BrokerAnnouncement;
  readonly plane: MetadataPlane;
  readonly cleanShutdown: boolean;
  readonly endpoints: readonly BrokerEndpoint[];
  /** Ids of the log directories that can be used. */
  readonly logDirs: readonly string[];
}

/** The steps of one start, and what they have brought so far. */
class BrokerStart {
  readonly #options: BrokerOptions;
  readonly #closers: Closers;
  readonly #listeners: readonly ListenerConfig[];
  readonly #connector: Connector;
  #static: BrokerConfig;
  /** The static configs with what is set at run time. */
  #config: BrokerConfig;
  #brokerEpoch = -1;
  /** Called when a log directory has failed; set as soon as there is something to be done then. */
  #onDirectoryFailure: (directory: BrokerDirectory, error: DiskError) => void = () => {};
  /** Hands the leaderships over before a stop. */
  #handOver: () => Promise<void> = async () => {};

  constructor(options: BrokerOptions, closers: Closers) {
    this.#options = options;
    this.#closers = closers;
    this.#static = options.config;
    this.#config = options.config;
    this.#listeners = listenersOf(options.config);
    this.#connector = options.connector ?? createDefaultConnector(options.runtime);
  }

  async run(): Promise<Broker> {
    const { directories, shared } = await this.#openDirectories();
    const { identity, logs, cleanShutdown } = directories;
    const plane = await this.#openMetadata(directories, shared);
    const member = shared === null ? null : this.#joinCluster(identity, plane);
    const { services, handler, parts, channel, assignments } = this.#compose(identity, logs, plane, member);
    const server = await this.#listen(handler.handle, plane);
    await plane.follower.start();
    // What a lagging server has not shown yet must not be taken for deleted.
    await plane.follower.catchUpTo((await plane.log.head()).endOffset - 1);
    await removeStrayLogs(logs, plane.follower.image, identity.nodeId, this.#options.runtime.logger);
    const announcement = { brokerId: identity.nodeId, directoryId: identity.directoryId, ...this.#newLife() };
    const endpoints = server.listeners.map(registeredEndpoint);
    const start = { announcement, plane, cleanShutdown, endpoints, logDirs: onlineIds(logs) };
    if (member === null) await this.#register(start);
    else await this.#enlist(start, member, channel, identity.clusterId);
    if (member === null) assignments.begin(this.#brokerEpoch);
    this.#watchDirectories(directories, services.controller);
    this.#closers.add(() => services.purgatory.close());
    for (const part of parts) this.#closers.add(() => part.close());
    handler.open();
    return this.#running(services, parts, server);
  }

  async #openDirectories() {
    const { directories, runtime } = this.#options;
    const openShared = this.#options.openMetadataLog ?? sharedMetadataLog(this.#config, this.#connector, runtime);
    let shared: MetadataLog | null = null;
    const sharedClusterId = async (open: OpenMetadataLog, proposedId: string) => {
      const log = await open();
      this.#closers.add(() => log.close());
      shared = log;
      return await log.clusterId(proposedId);
    };
    const config = this.#config;
    const memory = new LogMemory(logMemoryBounds(config));
    const opened = await openDirectories({
      directories,
      wantedNodeId: config.configuredNodeId,
      defaultNodeId: config.require("node.id"),
      keepsMetadata: openShared === null,
      clusterId: async (proposedId) =>
        openShared === null ? proposedId : await sharedClusterId(openShared, proposedId),
      runtime,
      open: (directory) => this.#openLogs(directory, memory),
    });
    this.#closers.add(async () => {
      await opened.logs.close();
      // What an unclean stop may have cost is settled by the registration; until then the next start has to know of it.
      if (!opened.cleanShutdown && this.#brokerEpoch < 0) await removeCleanShutdownMarks(directories);
    });
    this.#static = this.#static.withStatic("node.id", String(opened.identity.nodeId));
    return { directories: opened, shared: shared as MetadataLog | null };
  }

  #openLogs(directory: BrokerDirectory, memory: LogMemory): Promise<LogManager> {
    const { disk, path, name, compactionExecutor } = directory;
    const { runtime, directories } = this.#options;
    const config = this.#config;
    return openLogManager({
      disk,
      directory: path,
      runtime: { ...runtime, logger: runtime.logger.child({ dataDirectory: name }) },
      configOf: (topic) => (topic === METADATA_TOPIC ? METADATA_LOG_CONFIG : defaultLogConfig),
      memory,
      maxOpenFiles: Math.ceil(config.require("log.open.files.max") / directories.length),
      checkpointIntervalMs: config.require("log.flush.offset.checkpoint.interval.ms"),
      highWatermarkCheckpointIntervalMs: config.require("replica.high.watermark.checkpoint.interval.ms"),
      retentionCheckIntervalMs: config.require("log.retention.check.interval.ms"),
      producerIdExpirationMs: config.require("producer.id.expiration.ms"),
      cleaner: config.require("log.cleaner.enable") ? () => cleanerOptions(this.#config) : null,
      ...(compactionExecutor !== undefined && { compactionExecutor }),
      onDiskFailure: (error) => this.#onDirectoryFailure(directory, error),
    });
  }

  async #openMetadata(
    { identity, main }: OpenDirectories<BrokerDirectory>,
    shared: MetadataLog | null,
  ): Promise<MetadataPlane> {
    const { runtime } = this.#options;
    const { nodeId } = identity;
    const { disk, path: directory } = main.data;
    const log = shared ?? (await openLocalMetadataLog({ logs: main.log.logs!, disk, directory, runtime }));
    if (shared === null) this.#closers.add(() => log.close());
    const snapshotIntervalBytes = this.#config.require("metadata.log.max.record.bytes.between.snapshots");
    const policy = () => controllerPolicy(this.#config);
    return createMetadataPlane(log, { nodeId, runtime, policy, snapshotIntervalBytes }, this.#closers);
  }

  /** As Kafka: a directory that fails is left out, until there is none left or it is the one with the metadata. */
  #watchDirectories(
    { logs, main, identity }: OpenDirectories<BrokerDirectory>,
    controller: BrokerServices["controller"],
  ): void {
    const { runtime, onFatal } = this.#options;
    const { nodeId: brokerId } = identity;
    const failed = (directory: BrokerDirectory, error: DiskError) => {
      const content = onlineIds(logs);
      if (directory === main.data || content.length === 0) return onFatal?.(error);
      const registration = { brokerId, brokerEpoch: this.#brokerEpoch, content };
      controller
        .submit((state) => setOnlineDirectories(state, registration))
        .catch((err) => runtime.logger.warn("the failure of a log directory cannot be noted", { err }));
    };
    this.#onDirectoryFailure = failed;
    for (const directory of this.#options.directories) {
      const failure = logs.all.find(({ name }) => name === directory.name)?.logs?.failure;
      if (failure) failed(directory, failure);
    }
  }

  /** What a broker of a cluster has that one on its own has not. */
  #joinCluster({ nodeId }: DirectoryIdentity, plane: MetadataPlane): ClusterMember {
    const { runtime } = this.#options;
    const gateway = new ClusterGateway({ nodeId, runtime, ...plane });
    this.#closers.add(() => gateway.close());
    const sessionTimeoutMs = () => this.#config.require("broker.session.timeout.ms");
    const duties = new ControllerDuties({
      runtime,
      sessionTimeoutMs,
      balance: () => balancing(this.#config),
      ...plane,
    });
    this.#closers.add(() => duties.close());
    return { gateway, duties };
  }

  #compose(identity: DirectoryIdentity, logs: LogDirectories, plane: MetadataPlane, member: ClusterMember | null) {
    const { runtime } = this.#options;
    const { nodeId, clusterId } = identity;
    const deadlines = new DeadlineQueue(runtime.clock, runtime.timers);
    this.#closers.add(() => deadlines.close());
    const purgatory = new Purgatory(runtime.timers, deadlines);
    const links = this.#openLinks(nodeId, plane);
    const controller = member?.gateway ?? new LocalControllerGateway(nodeId, plane.controller);
    const catchUp = () => plane.follower.catchUp();
    const currentConfig = () => this.#config;
    let registry: HandlerRegistry | null = null;
    const channel = new ControllerChannel({
      gateway: controller,
      links,
      registry: () => registry!,
      identity: () => ({ brokerId: nodeId, brokerEpoch: this.#brokerEpoch }),
      catchUp,
      requestTimeoutMs: () => this.#config.require("request.timeout.ms"),
      runtime,
    });
    const replication = new Replication({
      nodeId,
      brokerEpoch: () => this.#brokerEpoch,
      config: () => this.#config,
      image: () => plane.follower.image,
      runtime,
      controller: () => channel,
      link: (brokerId, purpose) => links.to(brokerId, purpose),
    });
    this.#closers.add(() => replication.close());
    const assignments = new DirectoryAssignments({ controller, brokerId: nodeId, ...runtime });
    this.#closers.add(() => assignments.close());
    const partitions = new PartitionRegistry({
      environment: replication.environment,
      following: replication.following,
      logs,
      logger: runtime.logger,
      configOf: (image, topic) => this.#partitionConfigOf(image, topic),
      onAdvance: (partition) => purgatory.partitionMoved(partition),
      onPlaced: (assignment) => assignments.add(assignment),
    });
    this.#closers.add(() => partitions.close());
    replication.watch(partitions);
    plane.follower.addListener(async (previous, next) => {
      this.#takeConfigs(next, nodeId);
      await partitions.apply(previous, next);
    });
    const services: BrokerServices = {
      nodeId,
      clusterId,
      runtime,
      logResources: () => logs.resources(),
      logDirectories: this.#options.directories.map((directory, i) => described(directory, logs.all[i]!)),
      partitions,
      purgatory,
      preparation: new BatchPreparation(runtime.timers),
      fetchSessions: new FetchSessionCache({
        slotsMax: () => this.#config.require("max.incremental.fetch.session.cache.slots"),
        ...runtime,
      }),
      leaderThrottle: replication.leaderThrottle,
      deadlines,
      controller,
      controllerClient: channel,
      links,
      brokerEpoch: () => this.#brokerEpoch,
      producerIds: new ProducerIds(channel),
      topics: new TopicCreator(channel, currentConfig, member === null),
      requests: new RequestMetrics(runtime.clock),
      servedApis: () => registry?.advertised() ?? [],
      get config() {
        return currentConfig();
      },
      get image() {
        return plane.follower.image;
      },
      imagePublished: () => plane.follower.published(),
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
      plane.follower.addListener(async (previous, next) => part.metadataChanged?.(previous, next));
    }
    return {
      services,
      parts,
      channel,
      assignments,
      handler: new Gate(createDispatcher(registry, runtime.logger, services.requests)),
    };
  }

  #openLinks(nodeId: number, { follower }: MetadataPlane): BrokerLinks {
    const links = new BrokerLinks({
      nodeId,
      image: () => follower.image,
      config: () => this.#config,
      connector: this.#connector,
      runtime: this.#options.runtime,
    });
    this.#closers.add(() => links.close());
    return links;
  }

  #partitionConfigOf(image: MetadataImage, topic: string): PartitionConfig {
    return partitionConfigOf(new TopicConfig(configsOf(image, ConfigResourceType.TOPIC, topic), this.#config));
  }

  #takeConfigs(image: MetadataImage, nodeId: number): void {
    const own = configsOf(image, ConfigResourceType.BROKER, String(nodeId));
    const all = configsOf(image, ConfigResourceType.BROKER, "");
    this.#config = this.#static.withDynamic(own, all);
  }

  async #listen(handler: RequestHandler, plane: MetadataPlane): Promise<OpenServer> {
    const { startServer, runtime, http } = this.#options;
    for (const { name, port } of unadvertisedWildcards(this.#listeners)) {
      runtime.logger.warn(
        `listener ${name} accepts connections on every interface, and clients are told the address that they reach it by; behind port mappings (Docker) set advertised.listeners=${name}://<host that clients can reach>:${port}`,
      );
    }
    const server = await startServer({
      listeners: this.#listeners.map(serverListener),
      handler,
      limits: () => serverLimits(this.#config),
      allowedOrigins: () => [...this.#config.require("allowed.origins"), ...originsOfBrokers(plane.follower.image)],
      runtime,
      ...(http !== undefined && { http }),
    });
    this.#closers.add(() => server.close({ graceMs: DRAIN_GRACE_MS }));
    return server;
  }

  #newLife(): { readonly incarnationId: string } {
    return { incarnationId: randomUuid(this.#options.runtime.random) };
  }

  /** A broker on its own is its own controller, and there at once. */
  async #register({ announcement, plane, cleanShutdown, endpoints, logDirs }: StartInCluster): Promise<void> {
    const { brokerId, incarnationId } = announcement;
    await plane.log.liveness.announce(announcement);
    await plane.controller.submit((state) => finalizeFeatures(state, levelsToFinalize(state.image.features)));
    const registration = {
      brokerId,
      incarnationId,
      endpoints,
      features: registeredFeatures(),
      rack: this.#config.get("broker.rack"),
      logDirs,
      fenced: false,
      cleanShutdown,
    };
    const { response } = await plane.controller.submit((state) => registerBroker(state, registration));
    this.#brokerEpoch = response.brokerEpoch;
  }

  /** One of many is announced, registered, and there once the controller has unfenced it. */
  async #enlist(
    start: StartInCluster,
    { gateway }: ClusterMember,
    channel: ControllerChannel,
    clusterId: string,
  ): Promise<void> {
    const { runtime } = this.#options;
    const { log, follower } = start.plane;
    const lifecycle = new BrokerLifecycle({
      ...start,
      clusterId,
      features: registeredFeatures(),
      rack: this.#config.get("broker.rack"),
      log,
      follower,
      gateway,
      channel,
      runtime,
      heartbeatIntervalMs: () => this.#config.require("broker.heartbeat.interval.ms"),
      handoverTimeoutMs: () => this.#handoverTimeoutMs(),
      onRegistered: (brokerEpoch) => {
        this.#brokerEpoch = brokerEpoch;
      },
    });
    this.#closers.add(() => lifecycle.close());
    await lifecycle.start();
    this.#handOver = () => lifecycle.stop();
  }

  #handoverTimeoutMs(): number {
    const config = this.#config;
    return config.require("controlled.shutdown.max.retries") * config.require("controlled.shutdown.retry.backoff.ms");
  }

  #running(services: BrokerServices, parts: readonly BrokerComponent[], server: OpenServer): Broker {
    const closers = this.#closers;
    const handOver = this.#config.require("controlled.shutdown.enable") ? this.#handOver : async () => {};
    let stopping: Promise<void> | null = null;
    return {
      clusterId: services.clusterId,
      nodeId: services.nodeId,
      listeners: server.listeners,
      get connectionCount() {
        return server.connectionCount;
      },
      get isStopping() {
        return stopping !== null;
      },
      connections: () => server.connections(),
      async metrics() {
        const ofParts = await Promise.all(parts.map((part) => part.metrics?.() ?? []));
        return concatenated(ofParts.flat(), brokerFamilies(services, server));
      },
      services,
      shutdown() {
        stopping ??= handOver().finally(() => closers.closeAll());
        return stopping;
      },
    };
  }
}

function* concatenated<Item>(...parts: Iterable<Item>[]): Generator<Item> {
  for (const part of parts) yield* part;
}

/** Holds requests back until the broker can answer them. */
class Gate {
  readonly handle: RequestHandler;
  #handler: RequestHandler | null = null;
  #open: () => void = () => {};

  constructor(handler: RequestHandler) {
    const opened = new Promise<void>((resolve) => {
      this.#open = () => {
        this.#handler = handler;
        resolve();
      };
    });
    this.handle = (request) => (this.#handler === null ? opened.then(() => handler(request)) : this.#handler(request));
  }

  open(): void {
    this.#open();
  }
}

/** How a log directory is described to clients. */
function described({ disk, path, name }: BrokerDirectory, directory: LogDirectory): DescribedDirectory {
  return {
    name,
    get isOnline() {
      return isOnline(directory);
    },
    holds: (topic, partition) => directory.logs?.get(topic, partition) !== undefined,
    space: async () => (await disk.space?.(path)) ?? null,
  };
}

function logMemoryBounds(config: BrokerConfig) {
  return {
    tailMemoryBytes: config.require("log.tail.memory.bytes"),
    readBufferBytes: config.require("log.read.buffer.bytes"),
  };
}

function cleanerOptions(config: BrokerConfig): LogCleanerOptions {
  return {
    threads: config.require("log.cleaner.threads"),
    backoffMs: config.require("log.cleaner.backoff.ms"),
    dedupeBufferBytes: config.require("log.cleaner.dedupe.buffer.size"),
    loadFactor: config.require("log.cleaner.io.buffer.load.factor"),
    ioMaxBytesPerSecond: config.require("log.cleaner.io.max.bytes.per.second"),
  };
}

function controllerPolicy(config: BrokerConfig): ControllerPolicy {
  return {
    defaultNumPartitions: config.require("num.partitions"),
    defaultReplicationFactor: config.require("default.replication.factor"),
    deleteTopicEnable: config.require("delete.topic.enable"),
    configs: new TableConfigPolicy(config),
  };
}

function serverListener({ name, host, port, advertised }: ListenerConfig) {
  return {
    name,
    port,
    protocols: ["kafka", "http", "ws"] as const,
    ...(host !== undefined && { host }),
    ...(advertised !== undefined && { advertised }),
  };
}

function serverLimits(config: BrokerConfig): ServerLimits {
  return {
    maxRequestBytes: config.require("socket.request.max.bytes"),
    connectionsMaxIdleMs: config.require("connections.max.idle.ms"),
    maxConnections: config.require("max.connections"),
    maxConnectionsPerIp: config.require("max.connections.per.ip"),
    queuedMaxRequestBytes: config.require("queued.max.request.bytes"),
  };
}

/** Kafka's number of PLAINTEXT. */
const SECURITY_PROTOCOL_PLAINTEXT = 0;

function balancing(config: BrokerConfig) {
  if (!config.require("auto.leader.rebalance.enable")) return null;
  return {
    intervalMs: config.require("leader.imbalance.check.interval.seconds") * 1000,
    imbalancePercentage: config.require("leader.imbalance.per.broker.percentage"),
  };
}

function registeredFeatures() {
  return [...supportedFeatures].map(([name, { minVersion, maxVersion }]) => ({
    name,
    minSupportedVersion: minVersion,
    maxSupportedVersion: maxVersion,
  }));
}

function registeredEndpoint(listener: OpenListener) {
  const { host, port } = tcpAddressOf(listener);
  const url = advertisedUrlOf(listener);
  return { name: listener.name, host, port, securityProtocol: SECURITY_PROTOCOL_PLAINTEXT, url };
}
