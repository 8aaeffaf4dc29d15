import {
  alterPartition,
  applyRecord,
  asWritten,
  type BrokerImage,
  brokerById,
  type ControllerOperation,
  type ControllerPolicy,
  EMPTY_IMAGE,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import {
  createMemoryDisk,
  createSimulatedRuntime,
  type Disk,
  type Logger,
  type SimulatedRuntime,
} from "@ottla/runtime";
import { defaultLogConfig, LogDirectories, type LogManager, openLogManager } from "@ottla/storage";
import {
  type ByteChannel,
  type Connector,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
  type FrameMemory,
  type MemoryPairOptions,
  ReconnectingConnection,
  ServerPipeline,
} from "@ottla/transport";
import type { AlteredPartition, PartitionAlteration } from "../cluster/controller-client.ts";
import { BrokerConfig } from "../config/broker-config.ts";
import { settingsFromObject } from "../config/config-sources.ts";
import type { PartitionConfig } from "../config/topic-config.ts";
import { createDispatcher } from "../dispatch/dispatcher.ts";
import { HandlerRegistry } from "../dispatch/handler-registry.ts";
import { apiVersionsHandler } from "../handlers/api-versions.ts";
import { fetchHandler } from "../handlers/fetch.ts";
import { listOffsetsHandler } from "../handlers/list-offsets.ts";
import { offsetForLeaderEpochHandler } from "../handlers/offset-for-leader-epoch.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import { DeadlineQueue } from "../partition/deadline-queue.ts";
import { FetchSessionCache } from "../partition/fetch-session-cache.ts";
import type { Partition } from "../partition/partition.ts";
import { PartitionRegistry } from "../partition/partition-registry.ts";
import { Purgatory } from "../partition/purgatory.ts";
import { ClientQuotas } from "../quotas/client-quotas.ts";
import { Replication } from "../replication/replication.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { registeredFeatures, supportedFeatures } from "../services/features.ts";
import { NO_POLICY } from "./partition-policy.ts";
import { TestClient } from "./test-client.ts";

export const TOPIC = "orders";
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAACQ";

export interface ReplicaSetOptions {
  readonly brokers?: number;
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly topic?: Partial<PartitionConfig>;
  readonly seed?: number;
  readonly logger?: Logger;
  /** Default: in memory. */
  readonly createDisk?: (runtime: SimulatedRuntime) => Disk;
}

const WINDOWS = { samples: 11, windowMs: 1_000 };

/** The id of a broker's log directory. */
export function directoryOf(brokerId: number): string {
  return `AAAAAAAAAAAAAAAAAAAA${brokerId}A`;
}

/** The data plane of one broker: its logs, partitions, replication and the APIs that replicas use. No control plane. */
export class ReplicaNode {
  readonly id: number;
  disk: Disk;
  readonly registry: PartitionRegistry;
  readonly replication: Replication;
  image: MetadataImage = EMPTY_IMAGE;
  brokerEpoch = -1;
  readonly #logs: LogManager;
  readonly #set: ReplicaSet;
  readonly #handler;
  readonly #links = new Map<string, ReconnectingConnection>();
  readonly #purgatory: Purgatory;
  /** Whose connections are open to this node. */
  readonly #pipelines = new Map<ServerPipeline, number>();
  #nextConnectionId = 0;
  isUp = true;

  private constructor(set: ReplicaSet, id: number, disk: Disk, logs: LogManager) {
    this.#set = set;
    this.id = id;
    this.disk = disk;
    this.#logs = logs;
    const { runtime, config } = set;
    const deadlines = new DeadlineQueue(runtime.clock, runtime.timers);
    this.#purgatory = new Purgatory(runtime.timers, runtime.clock, deadlines);
    this.replication = new Replication({
      nodeId: id,
      brokerEpoch: () => this.brokerEpoch,
      config: () => config,
      image: () => this.image,
      runtime,
      controller: () => ({ alterPartition: (alterations) => set.alterPartitions(this, alterations) }),
      purgatory: this.#purgatory,
      link: (brokerId, purpose, memory) => this.#linkTo(brokerId, purpose, memory),
    });
    const { environment, following } = this.replication;
    this.registry = new PartitionRegistry({
      environment,
      following,
      logs: new LogDirectories([{ id: null, name: "/data", logs }]),
      logger: runtime.logger,
      timers: runtime.timers,
      configOf: () => set.partitionConfig,
      onAdvance: (partition) => this.#purgatory.partitionMoved(partition),
    });
    const self = this;
    const services = {
      nodeId: id,
      runtime,
      config,
      partitions: this.registry,
      purgatory: this.#purgatory,
      deadlines,
      leaderThrottle: this.replication.leaderThrottle,
      quotas: new ClientQuotas({ clock: runtime.clock, windows: () => WINDOWS, controllerWindows: () => WINDOWS }),
      replication: this.replication,
      fetchSessions: new FetchSessionCache({
        slotsMax: () => config.require("max.incremental.fetch.session.cache.slots"),
        ...runtime,
      }),
      get image() {
        return self.image;
      },
      supportedFeatures,
      servedApis: () => handlers.advertised(),
    } as unknown as BrokerServices;
    const handlers: HandlerRegistry = new HandlerRegistry([
      apiVersionsHandler(services),
      fetchHandler(services),
      listOffsetsHandler(services),
      offsetForLeaderEpochHandler(services),
    ]);
    this.#handler = createDispatcher(handlers, runtime.logger, new RequestMetrics(runtime.clock));
    this.replication.watch(this.registry);
  }

  static async start(set: ReplicaSet, id: number, disk: Disk): Promise<ReplicaNode> {
    const logs = await openLogManager({ disk, directory: "/data", runtime: set.runtime });
    return new ReplicaNode(set, id, disk, logs);
  }

  /** Whether the last stop was clean. */
  get wasCleanStop(): boolean {
    return this.#logs.wasCleanStop;
  }

  partition(index = 0): Partition {
    const partition = this.registry.get(TOPIC, index);
    if (partition === undefined) throw new Error(`broker ${this.id} has no replica of ${TOPIC}-${index}`);
    return partition;
  }

  async apply(image: MetadataImage): Promise<void> {
    const previous = this.image;
    this.brokerEpoch = brokerById(image, this.id)?.epoch ?? this.brokerEpoch;
    await this.registry.apply(previous, image);
    this.image = image;
  }

  /** A connection to this node. */
  accept(from: number): ByteChannel {
    const [client, server] = createMemoryPair(this.#set.wire(from, this.id));
    const pipeline = new ServerPipeline(server, {
      id: this.#nextConnectionId++,
      listenerName: "PLAINTEXT",
      advertised: { host: "broker.test", port: this.id },
      handler: this.#handler,
      headerVersionOf: requestHeaderVersionOf,
      limits: DEFAULT_PIPELINE_LIMITS,
      ordered: true,
      runtime: this.#set.runtime,
      onClose: () => this.#pipelines.delete(pipeline),
    });
    this.#pipelines.set(pipeline, from);
    return client;
  }

  /** Ends the connections that came from a broker. */
  hangUpOn(from: number): void {
    for (const [pipeline, broker] of this.#pipelines) if (broker === from) pipeline.destroy();
  }

  connect(): TestClient {
    return new TestClient(this.accept(-1));
  }

  async stop(): Promise<void> {
    this.isUp = false;
    await this.registry.close();
    await this.replication.close();
    this.#purgatory.close();
    for (const link of this.#links.values()) await link.close({ timeoutMs: 0 });
    for (const pipeline of this.#pipelines.keys()) pipeline.destroy();
    await this.#logs.close();
  }

  /** Is gone at once: what was under way will never settle. The disk is the caller's to crash. */
  kill(): void {
    this.isUp = false;
    void this.registry.close();
    void this.replication.close();
    for (const link of this.#links.values()) void link.close({ timeoutMs: 0 });
    for (const pipeline of this.#pipelines.keys()) pipeline.destroy();
  }

  #linkTo(brokerId: number, purpose: string, memory: FrameMemory): ReconnectingConnection | null {
    if (brokerById(this.image, brokerId) === undefined) return null;
    const key = `${brokerId} ${purpose}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      const { runtime } = this.#set;
      const connector = this.#set.connectorOf(this.id);
      const address = { host: "broker.test", port: brokerId };
      const backoff = { reconnectBackoffMaxMs: 100 };
      link = new ReconnectingConnection({ address, connector, runtime, clientId: purpose, memory, ...backoff });
      this.#links.set(key, link);
    }
    return link;
  }
}

/** Several brokers' data planes in one process under virtual time, on images made by hand. */
export class ReplicaSet implements AsyncDisposable {
  readonly runtime: SimulatedRuntime;
  readonly config: BrokerConfig;
  readonly partitionConfig: PartitionConfig;
  readonly nodes = new Map<number, ReplicaNode>();
  image: MetadataImage = EMPTY_IMAGE;
  /** Requests to the controller fail while this is set. */
  controllerIsGone = false;
  /** What the controller was asked for. */
  readonly alterations: PartitionAlteration[] = [];
  readonly #cut = new Set<string>();

  private constructor(options: ReplicaSetOptions) {
    this.runtime = createSimulatedRuntime(options.seed ?? 1, options.logger && { logger: options.logger });
    this.config = BrokerConfig.fromSettings(settingsFromObject(options.config ?? {}));
    this.partitionConfig = { ...defaultLogConfig, ...NO_POLICY, minInsyncReplicas: 1, ...options.topic };
  }

  static async start(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
    const set = new ReplicaSet(options);
    const count = options.brokers ?? 3;
    for (let id = 1; id <= count; id++) {
      const disk = options.createDisk?.(set.runtime) ?? createMemoryDisk();
      set.nodes.set(id, await ReplicaNode.start(set, id, disk));
      set.registerBroker(id);
    }
    return set;
  }

  node(id: number): ReplicaNode {
    return this.nodes.get(id)!;
  }

  /** Another registration of a broker: it has another epoch from then on. */
  registerBroker(id: number, change: Partial<BrokerImage> = {}): void {
    const broker: BrokerImage = {
      brokerId: id,
      epoch: this.image.offset + 1,
      incarnationId: TOPIC_ID,
      endpoints: [],
      features: registeredFeatures(supportedFeatures),
      rack: null,
      fenced: false,
      inControlledShutdown: false,
      logDirs: [directoryOf(id)],
      ...change,
    };
    this.image = { ...this.image, offset: this.image.offset + 1, brokers: this.image.brokers.set(String(id), broker) };
  }

  /** Makes or changes a partition. An election raises the leader epoch, anything the partition epoch. */
  change(change: Partial<PartitionImage>, index = 0): void {
    const topic: TopicImage = this.image.topicsByName.get(TOPIC) ?? { name: TOPIC, topicId: TOPIC_ID, partitions: [] };
    const before = topic.partitions[index];
    const after = { ...(before ?? newPartition(index)), ...change };
    const elects = before === undefined || change.leader !== undefined;
    const partitions = topic.partitions.slice();
    partitions[index] = {
      ...after,
      leaderEpoch: (before?.leaderEpoch ?? -1) + (elects ? 1 : 0),
      partitionEpoch: (before?.partitionEpoch ?? -1) + 1,
    };
    this.image = {
      ...this.image,
      offset: this.image.offset + 1,
      topicsByName: this.image.topicsByName.set(TOPIC, { ...topic, partitions }),
      topicNamesById: this.image.topicNamesById.set(TOPIC_ID, TOPIC),
    };
  }

  /** Has these brokers (all by default) take the image over, and what follows from it happen. */
  async publish(...ids: number[]): Promise<void> {
    const nodes = ids.length === 0 ? [...this.nodes.values()] : ids.map((id) => this.node(id));
    for (const node of nodes) if (node.isUp) await node.apply(this.image);
    await this.runtime.settle();
  }

  partitionImage(index = 0): PartitionImage {
    return this.image.topicsByName.get(TOPIC)!.partitions[index]!;
  }

  /** Nothing passes between two brokers. */
  cut(a: number, b: number): void {
    this.#cut.add(`${a} ${b}`).add(`${b} ${a}`);
    this.node(a).hangUpOn(b);
    this.node(b).hangUpOn(a);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** Starts a broker again, after a clean stop unless it is down already. */
  async restart(id: number, disk = this.node(id).disk): Promise<ReplicaNode> {
    const former = this.node(id);
    if (former.isUp) await former.stop();
    const node = await ReplicaNode.start(this, id, disk);
    this.nodes.set(id, node);
    return node;
  }

  /** How bytes pass from one broker to another. */
  wire: (from: number, to: number) => MemoryPairOptions = () => ({});

  connectorOf(from: number): Connector {
    return {
      connect: async ({ port }) => {
        const node = this.nodes.get(port);
        if (node?.isUp !== true || this.#cut.has(`${from} ${port}`)) {
          throw KafkaError.fromCode(ErrorCode.NETWORK_EXCEPTION, "refused");
        }
        return node.accept(from);
      },
    };
  }

  /** What is between a broker and the controller; a simulation has its own. */
  onTheWayToController: <Answer>(from: ReplicaNode, ask: () => Answer) => Promise<Answer> = async (_from, ask) => {
    await this.runtime.settle();
    if (this.controllerIsGone) throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER);
    return ask();
  };

  /** For mutants: what the controller takes for what it was asked. */
  tamper: (proposal: PartitionAlteration) => PartitionAlteration = (proposal) => proposal;

  alterPartitions(from: ReplicaNode, asked: readonly PartitionAlteration[]): Promise<AlteredPartition[]> {
    const { id: brokerId, brokerEpoch } = from;
    return this.onTheWayToController(from, () => {
      this.alterations.push(...asked);
      const proposals = asked.map((proposal) => this.tamper(proposal));
      const outcomes = this.submit((state) => alterPartition(state, { brokerId, brokerEpoch, proposals }));
      return outcomes.map(({ errno, after }) => ({ ...answerOf(after ?? newPartition(0)), errorCode: errno }));
    });
  }

  /** Runs an operation of the controller: it takes effect at once, brokers hear of it by {@link publish}. */
  submit<Response>(operation: ControllerOperation<Response>): Response {
    const { records, response } = operation({
      image: this.image,
      nextOffset: this.image.offset + 1,
      policy: this.#policy,
      random: this.runtime.random,
    });
    for (const record of records) {
      this.image = applyRecord(this.image, asWritten(record), this.image.offset + 1, 0);
    }
    return response;
  }

  get #policy(): ControllerPolicy {
    const { minInsyncReplicas } = this.partitionConfig;
    return {
      defaultNumPartitions: 1,
      defaultReplicationFactor: 3,
      deleteTopicEnable: true,
      isOfCluster: true,
      configs: {
        validate: () => {},
        isKnown: () => true,
        isList: () => false,
        defaultValue: () => null,
        fileValue: () => null,
        topicValue: (_image, _topic, key) => (key === "min.insync.replicas" ? String(minInsyncReplicas) : "false"),
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes.values()) if (node.isUp) await node.stop();
  }
}

function answerOf({ leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch }: PartitionImage): AlteredPartition {
  return { errorCode: ErrorCode.NONE, leaderId: leader, leaderEpoch, isr, leaderRecoveryState, partitionEpoch };
}

function newPartition(partition: number): PartitionImage {
  return {
    partition,
    replicas: [],
    isr: [],
    removingReplicas: [],
    addingReplicas: [],
    directories: [],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    leader: -1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
  };
}
