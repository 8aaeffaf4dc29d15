import {
  type ApiDefinition,
  apiVersionsApi,
  ByteReader,
  describeTopicPartitionsApi,
  ErrorCode,
  encodeResponse,
  findCoordinatorApi,
  initProducerIdApi,
  KafkaError,
  metadataApi,
  type ProduceRequest,
  type ProduceResponse,
  produceApi,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { apisByKey, requestHeaderVersionOf } from "@ottla/protocol/internal";
import type { Runtime } from "@ottla/runtime";
import {
  type BrokerAddress,
  type ByteChannel,
  type Connector,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
  type InboundRequest,
  ServerPipeline,
} from "@ottla/transport";
import { FakePartition } from "./fake-partition.ts";

/** Something that goes wrong with one request. */
export type Fault =
  /** The connection breaks before the request takes effect. */
  | { readonly kind: "lostRequest" }
  /** The connection breaks after the request has taken effect. */
  | { readonly kind: "lostResponse" }
  /** Nobody ever answers, and nothing takes effect. */
  | { readonly kind: "silence" }
  /** Every partition of a Produce request is answered with this code. */
  | { readonly kind: "error"; readonly errorCode: number };

/** A request as a fault is decided on. */
export interface FaultContext {
  readonly brokerId: number;
  readonly apiName: string;
}

/** Answers one request; throwing closes the connection. */
export type FakeHandler<A> = (request: RequestOf<A>, brokerId: number) => ResponseInput<A> | Promise<ResponseInput<A>>;

type AnyHandler = (request: never, brokerId: number) => unknown;

export interface FakeClusterOptions {
  readonly runtime: Runtime;
  /** How many brokers; ids count from 1. Default 1. */
  readonly brokers?: number;
  /** Partitions by topic. */
  readonly topics?: Readonly<Record<string, number>>;
  /** Time that bytes are under way in one direction. Default 0. */
  readonly latencyMs?: () => number;
}

const FIRST_PORT = 9092;

/**
 * Brokers in memory that speak Kafka's protocol as far as the SDKs' tests need: a double for the situations that a
 * real broker cannot be brought into on demand. What it cannot do, it refuses by closing the connection.
 */
export class FakeCluster {
  readonly connector: Connector;
  readonly topics = new Map<string, FakePartition[]>();
  /** Decides what goes wrong with a request; by default nothing does. */
  faultOf: (context: FaultContext) => Fault | undefined = () => undefined;
  /** Every request that arrived, by API name. */
  readonly requestCounts = new Map<string, number>();
  /** What Produce requests are told to wait for. */
  produceThrottleTimeMs = 0;
  /** Whether responses tell of new leaders (KIP-951). */
  givesLeaderHints = false;
  readonly #topicIds = new Map<string, string>();
  readonly #runtime: Runtime;
  readonly #latencyMs: () => number;
  readonly #handlers = new Map<number, AnyHandler>();
  readonly #connections = new Map<number, Set<ServerPipeline>>();
  readonly #stopped = new Set<number>();
  #nextProducerId = 1000;
  #nextConnectionId = 1;

  constructor(options: FakeClusterOptions) {
    this.#runtime = options.runtime;
    this.#latencyMs = options.latencyMs ?? (() => 0);
    for (let id = 1; id <= (options.brokers ?? 1); id++) this.#connections.set(id, new Set());
    for (const [topic, partitions] of Object.entries(options.topics ?? {})) this.createTopic(topic, partitions);
    this.connector = { connect: (address) => this.#connect(address) };
    this.handle(metadataApi, (request) => this.#metadata(request.topics));
    this.handle(initProducerIdApi, () => ({
      throttleTimeMs: 0,
      errorCode: 0,
      producerId: this.#nextProducerId++,
      producerEpoch: 0,
    }));
    this.handle(describeTopicPartitionsApi, (request) => this.#describeTopicPartitions(request));
    this.handle(findCoordinatorApi, (request) => this.#findCoordinator(request.coordinatorKeys));
  }

  get bootstrapServers(): string[] {
    return [...this.#connections.keys()].map((id) => `fake:${portOf(id)}`);
  }

  get brokerIds(): number[] {
    return [...this.#connections.keys()];
  }

  /** Deletes a topic and creates another one of its name. */
  recreateTopic(topic: string, partitions: number): void {
    this.#topicIds.set(topic, topicIdOf(`again-${this.#topicIds.size}-${topic}`));
    this.createTopic(topic, partitions);
  }

  createTopic(topic: string, partitions: number): void {
    const { brokerIds } = this;
    const made = Array.from(
      { length: partitions },
      (_, index) => new FakePartition(brokerIds[index % brokerIds.length]!),
    );
    this.topics.set(topic, made);
  }

  partition(topic: string, partition: number): FakePartition {
    return this.topics.get(topic)![partition]!;
  }

  /** Answers an API in place of the double's own handler, if it has one. */
  handle<A extends ApiDefinition>(api: A, handler: FakeHandler<A>): void {
    this.#handlers.set(api.key, handler as AnyHandler);
  }

  moveLeader(topic: string, partition: number, leader: number): void {
    const moved = this.partition(topic, partition);
    moved.leader = leader;
    moved.leaderEpoch++;
  }

  /** Breaks all connections to a broker and refuses new ones until {@link start}. */
  stop(brokerId: number): void {
    this.#stopped.add(brokerId);
    for (const connection of this.#connections.get(brokerId)!) connection.destroy();
  }

  start(brokerId: number): void {
    this.#stopped.delete(brokerId);
  }

  async #connect(address: BrokerAddress): Promise<ByteChannel> {
    const brokerId = address.port - FIRST_PORT;
    const connections = this.#connections.get(brokerId);
    if (connections === undefined || this.#stopped.has(brokerId)) {
      const message = `connection to fake:${address.port} refused`;
      throw new KafkaError(message, { code: "NETWORK_EXCEPTION", retriable: true });
    }
    const [client, server] = createMemoryPair({ deliver: this.#delivery() });
    const pipeline: ServerPipeline = new ServerPipeline(server, {
      id: this.#nextConnectionId++,
      listenerName: "FAKE",
      advertised: { host: "fake", port: address.port },
      handler: (request) => this.#serve(brokerId, request, pipeline),
      headerVersionOf: requestHeaderVersionOf,
      limits: DEFAULT_PIPELINE_LIMITS,
      ordered: true,
      runtime: this.#runtime,
      onClose: () => connections.delete(pipeline),
    });
    connections.add(pipeline);
    return client;
  }

  /** Deliveries take their time and keep their order. */
  #delivery(): (callback: () => void) => void {
    const { clock, timers } = this.#runtime;
    let lastDueMs = 0;
    return (callback) => {
      const latencyMs = this.#latencyMs();
      if (latencyMs === 0) return queueMicrotask(callback);
      lastDueMs = Math.max(lastDueMs, clock.monotonicMs() + latencyMs);
      timers.schedule(lastDueMs - clock.monotonicMs(), callback);
    };
  }

  async #serve(brokerId: number, request: InboundRequest, pipeline: ServerPipeline): Promise<void> {
    const { apiKey, apiName, version, body } = this.#decode(request);
    this.requestCounts.set(apiName, (this.requestCounts.get(apiName) ?? 0) + 1);
    if (apiKey === apiVersionsApi.key) return this.#answer(request, apiVersionsApi, version, apiVersionsAnswer());
    const fault = this.faultOf({ brokerId, apiName });
    if (fault?.kind === "lostRequest") return pipeline.destroy();
    if (fault?.kind === "silence") return await new Promise(() => {});
    const api = apisByKey.get(apiKey)!;
    const answer = await this.#handle(apiKey, body, brokerId, fault);
    if (fault?.kind === "lostResponse") return pipeline.destroy();
    if (apiKey === produceApi.key && (body as ProduceRequest).acks === 0) return request.respondNothing();
    this.#answer(request, api, version, answer);
  }

  #decode(request: InboundRequest) {
    const { requestApiKey, requestApiVersion } = request.header;
    const api = apisByKey.get(requestApiKey)!;
    const body: unknown = api.request.decode(new ByteReader(request.frame, request.bodyOffset), requestApiVersion);
    return { apiKey: requestApiKey, apiName: api.name, version: requestApiVersion, body };
  }

  #answer(request: InboundRequest, api: ApiDefinition, version: number, answer: unknown): void {
    request.respond(encodeResponse(api, version, request.header.correlationId, answer as never));
  }

  async #handle(apiKey: number, body: unknown, brokerId: number, fault: Fault | undefined): Promise<unknown> {
    if (apiKey === produceApi.key && !this.#handlers.has(apiKey)) {
      return await this.#produce(body as ProduceRequest, brokerId, fault?.kind === "error" ? fault.errorCode : 0);
    }
    const handler = this.#handlers.get(apiKey);
    if (handler === undefined) throw KafkaError.fromCode(ErrorCode.UNSUPPORTED_VERSION, `API ${apiKey}`);
    return await handler(body as never, brokerId);
  }

  #metadata(asked: RequestOf<typeof metadataApi>["topics"]): ResponseInput<typeof metadataApi> {
    const names = asked === null ? [...this.topics.keys()] : asked.map(({ name }) => name ?? "");
    const alive = this.brokerIds.filter((id) => !this.#stopped.has(id));
    return {
      brokers: alive.map((nodeId) => ({ nodeId, host: "fake", port: portOf(nodeId) })),
      clusterId: "fake",
      controllerId: alive[0] ?? -1,
      topics: names.map((name) => this.#topicMetadata(name)),
    };
  }

  #topicMetadata(name: string) {
    const partitions = this.topics.get(name);
    if (partitions === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
    return {
      errorCode: 0,
      name,
      topicId: this.#topicId(name),
      partitions: partitions.map(({ leader, leaderEpoch }, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: leader,
        leaderEpoch,
        replicaNodes: this.brokerIds,
        isrNodes: this.brokerIds,
      })),
    };
  }

  #describeTopicPartitions({
    topics,
    responsePartitionLimit,
    cursor,
  }: RequestOf<typeof describeTopicPartitionsApi>): ResponseInput<typeof describeTopicPartitionsApi> {
    let left = responsePartitionLimit;
    const described: ResponseInput<typeof describeTopicPartitionsApi>["topics"][number][] = [];
    for (const { name } of topics) {
      if (cursor !== null && name < cursor.topicName) continue;
      const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
      const topic = this.#topicMetadata(name);
      if (left === 0)
        return { throttleTimeMs: 0, topics: described, nextCursor: { topicName: name, partitionIndex: from } };
      const partitions = topic.partitions.slice(from, from + left).map((one) => ({ ...one, offlineReplicas: [] }));
      described.push({ topicId: ZERO_UUID, ...topic, partitions });
      left -= partitions.length;
      const next = from + partitions.length;
      if (next < topic.partitions.length) {
        return { throttleTimeMs: 0, topics: described, nextCursor: { topicName: name, partitionIndex: next } };
      }
    }
    return { throttleTimeMs: 0, topics: described, nextCursor: null };
  }

  #topicId(name: string): string {
    return this.#topicIds.get(name) ?? topicIdOf(name);
  }

  #findCoordinator(keys: readonly string[]): ResponseInput<typeof findCoordinatorApi> {
    const nodeId = this.brokerIds.find((id) => !this.#stopped.has(id)) ?? -1;
    const errorCode = nodeId < 0 ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.NONE;
    const port = portOf(nodeId);
    return { coordinators: keys.map((key) => ({ key, nodeId, host: "fake", port, errorCode, errorMessage: null })) };
  }

  async #produce(
    request: ProduceRequest,
    brokerId: number,
    errorCode: number,
  ): Promise<ResponseInput<typeof produceApi>> {
    const responses: ResponseInput<typeof produceApi>["responses"][number][] = [];
    for (const { name: givenName, topicId, partitionData } of request.topicData) {
      const name = givenName || [...this.topics.keys()].find((topic) => this.#topicId(topic) === topicId);
      const partitionResponses: ProduceResponse["responses"][number]["partitionResponses"][number][] = [];
      for (const { index, records } of partitionData) {
        partitionResponses.push((await this.#append(name, index, records!, brokerId, errorCode)) as never);
      }
      responses.push({ ...(givenName ? { name: givenName } : { topicId }), partitionResponses });
    }
    return { throttleTimeMs: this.produceThrottleTimeMs, responses, nodeEndpoints: this.nodeEndpoints };
  }

  /** What responses say of where brokers are, for hints of leaders. */
  get nodeEndpoints() {
    if (!this.givesLeaderHints) return [];
    return this.brokerIds.map((nodeId) => ({ nodeId, host: "fake", port: portOf(nodeId) }));
  }

  leaderHint({ leader, leaderEpoch }: FakePartition) {
    return this.givesLeaderHints ? { leaderId: leader, leaderEpoch } : {};
  }

  async #append(name: string | undefined, index: number, records: Uint8Array, brokerId: number, errorCode: number) {
    const partition = name === undefined ? undefined : this.topics.get(name)?.[index];
    const base = { index, baseOffset: -1 };
    if (errorCode !== 0) return { ...base, errorCode };
    if (partition === undefined) return { ...base, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
    if (partition.leader !== brokerId) {
      return { ...base, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: this.leaderHint(partition) };
    }
    return { index, ...(await partition.append(records)) };
  }
}

function portOf(brokerId: number): number {
  return FIRST_PORT + brokerId;
}

/** A topic id that follows from the name: its first letters, in the 22 characters of a UUID. */
export function topicIdOf(name: string): string {
  return `${name
    .replaceAll(/[^A-Za-z0-9_-]/g, "_")
    .padEnd(21, "x")
    .slice(0, 21)}A`;
}

function apiVersionsAnswer(): ResponseInput<typeof apiVersionsApi> {
  const apiKeys = [...apisByKey.values()].map(({ key, validVersions }) => ({
    apiKey: key,
    minVersion: validVersions.min,
    maxVersion: validVersions.max,
  }));
  return { errorCode: 0, apiKeys };
}
