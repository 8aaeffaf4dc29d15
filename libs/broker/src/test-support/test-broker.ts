import {
  createTopicsApi,
  deleteTopicsApi,
  ErrorCode,
  encodeRecordBatch,
  metadataApi,
  produceApi,
  type RecordInput,
} from "@ottla/protocol";
import {
  createMemoryDisk,
  createSimulatedRuntime,
  type Disk,
  type Logger,
  type SimulatedRuntime,
} from "@ottla/runtime";
import { type Broker, startBroker } from "../broker.ts";
import { BrokerConfig } from "../config/broker-config.ts";
import { settingsFromObject } from "../config/config-sources.ts";
import { MemoryNetwork } from "./memory-server.ts";
import { TestClient } from "./test-client.ts";

export interface TestBrokerOptions {
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** Default: a new memory disk. The same disk again is a restart. */
  readonly disk?: Disk;
  /** Disks of further log directories: `/data1`, `/data2`. */
  readonly moreDisks?: readonly Disk[];
  readonly onFatal?: (error: Error) => void;
  readonly openFilesLimit?: number;
  readonly logger?: Logger;
  readonly seed?: number;
  /** Makes the start fail where the ports are opened. */
  readonly portInUse?: boolean;
}

/** A whole broker in memory under virtual time: real handlers, partitions, log and protocol; no sockets, no clock. */
export class TestBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly runtime: SimulatedRuntime;
  readonly disk: Disk;
  readonly #network: MemoryNetwork;
  readonly #clients: TestClient[] = [];
  #defaultClient: TestClient | null = null;

  private constructor(broker: Broker, runtime: SimulatedRuntime, disk: Disk, network: MemoryNetwork) {
    this.broker = broker;
    this.runtime = runtime;
    this.disk = disk;
    this.#network = network;
  }

  /** Requests whose frames were given back so far. */
  get releasedFramesCount(): number {
    return this.#network.releasedFramesCount;
  }

  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const network = new MemoryNetwork();
    const disk = options.disk ?? createMemoryDisk();
    const runtime = createSimulatedRuntime(options.seed ?? 1, options.logger && { logger: options.logger });
    const broker = await startBroker({
      config: BrokerConfig.fromSettings(settingsFromObject({ "offsets.topic.num.partitions": 3, ...options.config })),
      directories: [
        { disk, path: "/data", name: "/data" },
        ...(options.moreDisks ?? []).map((more, i) => ({ disk: more, path: "/data", name: `/data${i + 1}` })),
      ],
      ...(options.onFatal !== undefined && { onFatal: options.onFatal }),
      ...(options.openFilesLimit !== undefined && { openFilesLimit: options.openFilesLimit }),
      runtime,
      startServer: options.portInUse ? () => Promise.reject(new Error("the port is in use")) : network.startServer,
    });
    return new TestBroker(broker, runtime, disk, network);
  }

  /** A connection of its own. */
  connect(clientId?: string): TestClient {
    const client = new TestClient(this.#network.connect(), clientId);
    this.#clients.push(client);
    return client;
  }

  /** The connection that the shortcuts below share. */
  get client(): TestClient {
    this.#defaultClient ??= this.connect();
    return this.#defaultClient;
  }

  /** Creates a topic and resolves to its id. */
  async createTopic(name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = {
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    const { topics } = await this.client.send(createTopicsApi, 7, { topics: [topic] });
    if (topics[0]!.errorCode !== ErrorCode.NONE) throw new Error(`${name}: ${topics[0]!.errorMessage}`);
    return topics[0]!.topicId;
  }

  /** Produces one batch with acks=all and resolves to the partition's result. */
  produce(topic: string, index: number, records: Uint8Array) {
    return this.produceOn(this.client, topic, index, records);
  }

  /** The same on a connection of its own, where the shared one waits for something. */
  async produceOn(client: TestClient, topic: string, index: number, records: Uint8Array) {
    const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index, records }] }] };
    const { responses } = await client.send(produceApi, 9, request);
    return responses[0]!.partitionResponses[0]!;
  }

  async deleteTopic(name: string): Promise<void> {
    const { responses } = await this.connect().send(deleteTopicsApi, 5, { topicNames: [name], timeoutMs: 1000 });
    if (responses[0]!.errorCode !== ErrorCode.NONE) throw new Error(`${name}: ${responses[0]!.errorMessage}`);
  }

  async topicNames(): Promise<(string | null)[]> {
    const { topics } = await this.client.send(metadataApi, 12, { topics: null });
    return topics.map((topic) => topic.name);
  }

  /** Stops as SIGTERM does. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.broker.shutdown();
  }
}

/** A batch of records with these values, at the broker's virtual time. */
export function batchOf(...values: readonly string[]): Uint8Array {
  const records: RecordInput[] = values.map((value) => ({ value }));
  return encodeRecordBatch({ records, timestampMs: Date.UTC(2024, 0, 1) });
}
