import {
  type BrokerImage,
  brokerById,
  EMPTY_IMAGE,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { createMemoryDisk, createSimulatedRuntime, type Disk, type SimulatedRuntime } from "@ottla/runtime";
import { defaultLogConfig, LogDirectories, type LogManager, openLogManager } from "@ottla/storage";
import {
  type ByteChannel,
  type Connector,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
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
import { Replication } from "../replication/replication.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { NO_POLICY } from "./partition-policy.ts";
import { TestClient } from "./test-client.ts";

export const TOPIC = "orders";
const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAACQ";

export interface ReplicaSetOptions {
  readonly brokers?: number;
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly topic?: Partial<PartitionConfig>;
  readonly seed?: number;
}

/** The data plane of one broker: its logs, partitions, replication and the APIs that replicas use. No control plane. */
export class ReplicaNode {
  readonly id: number;
  readonly disk: Disk;
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
    this.replication = new Replication({
      nodeId: id,
      brokerEpoch: () => this.brokerEpoch,
      config: () => config,
      image: () => this.image,
      runtime,
      controller: () => ({ alterPartition: (alterations) => set.alterPartitions(this, alterations) }),
      link: (brokerId, purpose) => this.#linkTo(brokerId, purpose),
    });
    const { environment, following } = this.replication;
    const deadlines = new DeadlineQueue(runtime.clock, runtime.timers);
    this.#purgatory = new Purgatory(runtime.timers, deadlines);
    this.registry = new PartitionRegistry({
      environment,
      following,
      logs: new LogDirectories([{ id: null, name: "/data", logs }]),
      logger: runtime.logger,
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
      fetchSessions: new FetchSessionCache({ slotsMax: () => 100, ...runtime }),
      get image() {
        return self.image;
      },
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
    const [client, server] = createMemoryPair();
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
    this.registry.close();
    await this.replication.close();
    this.#purgatory.close();
    for (const link of this.#links.values()) await link.close({ timeoutMs: 0 });
    for (const pipeline of this.#pipelines.keys()) pipeline.destroy();
    await this.#logs.close();
  }

  #linkTo(brokerId: number, purpose: string): ReconnectingConnection | null {
    if (brokerById(this.image, brokerId) === undefined) return null;
    const key = `${brokerId} ${purpose}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      const { runtime } = this.#set;
      const connector = this.#set.connectorOf(this.id);
      const address = { host: "broker.test", port: brokerId };
      link = new ReconnectingConnection({ address, connector, runtime, clientId: purpose, reconnectBackoffMaxMs: 100 });
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
    this.runtime = createSimulatedRuntime(options.seed ?? 1);
    this.config = BrokerConfig.fromSettings(settingsFromObject(options.config ?? {}));
    this.partitionConfig = { ...defaultLogConfig, ...NO_POLICY, minInsyncReplicas: 1, ...options.topic };
  }

  static async start(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
    const set = new ReplicaSet(options);
    const count = options.brokers ?? 3;
    for (let id = 1; id <= count; id++) {
      set.nodes.set(id, await ReplicaNode.start(set, id, createMemoryDisk()));
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
      features: [],
      rack: null,
      fenced: false,
      inControlledShutdown: false,
      logDirs: [],
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

  async restart(id: number): Promise<ReplicaNode> {
    const former = this.node(id);
    if (former.isUp) await former.stop();
    const node = await ReplicaNode.start(this, id, former.disk);
    this.nodes.set(id, node);
    return node;
  }

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

  /** The controller, as far as ISRs go. */
  async alterPartitions(from: ReplicaNode, alterations: readonly PartitionAlteration[]): Promise<AlteredPartition[]> {
    await this.runtime.settle();
    if (this.controllerIsGone) throw KafkaError.fromCode(ErrorCode.NOT_CONTROLLER);
    this.alterations.push(...alterations);
    const answers = alterations.map((alteration) => this.#alter(from, alteration));
    return answers;
  }

  #alter(from: ReplicaNode, alteration: PartitionAlteration): AlteredPartition {
    const { leaderEpoch, partitionEpoch, newIsr, partition: index } = alteration;
    const image = this.partitionImage(index);
    const failed = (errorCode: number) => ({ ...answerOf(image), errorCode });
    if (image.leader !== from.id || image.leaderEpoch !== leaderEpoch) return failed(ErrorCode.FENCED_LEADER_EPOCH);
    if (image.partitionEpoch !== partitionEpoch) return failed(ErrorCode.INVALID_UPDATE_VERSION);
    const isStale = newIsr.some(({ brokerId, brokerEpoch }) => {
      const broker = brokerById(this.image, brokerId);
      return broker === undefined || broker.fenced || (brokerEpoch >= 0 && broker.epoch !== brokerEpoch);
    });
    if (isStale) return failed(ErrorCode.INELIGIBLE_REPLICA);
    this.change({ isr: newIsr.map(({ brokerId }) => brokerId) }, index);
    return answerOf(this.partitionImage(index));
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
