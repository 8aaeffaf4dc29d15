import { type ApiDefinition, decodeResponse, encodeRequest, type RequestInput, type ResponseOf } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { createMemoryDisk, createSimulatedRuntime, type MemoryDisk, type SimulatedRuntime } from "@ottla/runtime";
import {
  type ByteChannel,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
  FrameDecoder,
  type RequestHandler,
  ServerPipeline,
} from "@ottla/transport";
import { type Broker, startBroker } from "../broker.ts";
import { BrokerConfig } from "../config/broker-config.ts";
import { settingsFromObject } from "../config/config-sources.ts";
import type { OpenServer, ServerOptions, StartServer } from "../services/server.ts";

/** What listens in memory: connections are pairs of channels, everything above them is the real thing. */
class MemoryServer {
  #options: ServerOptions | null = null;
  readonly #pipelines = new Set<ServerPipeline>();
  #connections = 0;

  readonly start: StartServer = async (options) => {
    this.#options = options;
    const [listener] = options.listeners;
    const server: OpenServer = {
      listeners: [{ ...listener!, host: "127.0.0.1", hosts: ["127.0.0.1"] }],
      connectionCount: 0,
      close: async () => this.#closeAll(),
    };
    return server;
  };

  connect(runtime: SimulatedRuntime, ordered: boolean): ByteChannel {
    const options = this.#options;
    if (options === null) throw new Error("the broker does not listen");
    const [client, server] = createMemoryPair();
    const handler: RequestHandler = options.handler;
    const pipeline = new ServerPipeline(server, {
      id: this.#connections++,
      listenerName: options.listeners[0]!.name,
      advertised: { host: "broker.test", port: 9092 },
      handler,
      headerVersionOf: requestHeaderVersionOf,
      limits: DEFAULT_PIPELINE_LIMITS,
      ordered,
      runtime,
      onClose: (closed) => this.#pipelines.delete(closed),
    });
    this.#pipelines.add(pipeline);
    return client;
  }

  /** Like a real server: what is in flight is answered, then the connections end. */
  #closeAll(): void {
    for (const pipeline of this.#pipelines) pipeline.drain();
  }
}

export interface MemoryBrokerOptions {
  readonly config?: Readonly<Record<string, string | number>>;
  /** To start again from what another broker has left. */
  readonly disk?: MemoryDisk;
  readonly seed?: number;
}

/** A whole broker on a disk in memory, reached through memory, in time that stands still until the test moves it. */
export class MemoryBroker {
  readonly broker: Broker;
  readonly runtime: SimulatedRuntime;
  readonly disk: MemoryDisk;
  readonly #server: MemoryServer;

  private constructor(broker: Broker, runtime: SimulatedRuntime, disk: MemoryDisk, server: MemoryServer) {
    this.broker = broker;
    this.runtime = runtime;
    this.disk = disk;
    this.#server = server;
  }

  static async start({
    config = {},
    disk = createMemoryDisk(),
    seed = 1,
  }: MemoryBrokerOptions = {}): Promise<MemoryBroker> {
    const runtime = createSimulatedRuntime(seed);
    const server = new MemoryServer();
    const broker = await startBroker({
      config: BrokerConfig.fromSettings(settingsFromObject(config)),
      disk,
      directory: "/data",
      directoryName: "memory",
      runtime,
      startServer: server.start,
    });
    return new MemoryBroker(broker, runtime, disk, server);
  }

  connect(options: { readonly ordered?: boolean; readonly clientId?: string } = {}): MemoryClient {
    return new MemoryClient(this.#server.connect(this.runtime, options.ordered ?? true), options.clientId ?? "test");
  }

  async stop(): Promise<void> {
    await this.broker.shutdown();
  }
}

/** A client that speaks whatever version it is told to. */
export class MemoryClient {
  readonly #channel: ByteChannel;
  readonly #clientId: string;
  readonly #waiting = new Map<number, (frame: Uint8Array | null) => void>();
  #correlationId = 0;

  constructor(channel: ByteChannel, clientId: string) {
    this.#channel = channel;
    this.#clientId = clientId;
    const decoder = new FrameDecoder({ maxFrameBytes: 2 ** 30 });
    channel.start({
      onData: (chunk) => decoder.push(chunk, (frame) => this.#answered(frame)),
      onDrain: () => {},
      onClose: () => this.#ended(),
    });
  }

  /** Sends a request; rejects when the connection ends before the answer. */
  async send<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>): Promise<ResponseOf<Api>> {
    const correlationId = this.#correlationId++;
    const answered = new Promise<Uint8Array | null>((resolve) => this.#waiting.set(correlationId, resolve));
    this.#channel.write(encodeRequest(api, version, { correlationId, clientId: this.#clientId }, body));
    const frame = await answered;
    if (frame === null) throw new Error(`the connection was closed before ${api.name} was answered`);
    return decodeResponse(api, version, frame);
  }

  close(): void {
    this.#channel.destroy();
  }

  #answered(frame: Uint8Array): void {
    const correlationId = new DataView(frame.buffer, frame.byteOffset).getInt32(0);
    this.#waiting.get(correlationId)!(frame.slice());
    this.#waiting.delete(correlationId);
  }

  #ended(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}
