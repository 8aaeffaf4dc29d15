import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { type ByteChannel, createMemoryPair, DEFAULT_PIPELINE_LIMITS, ServerPipeline } from "@ottla/transport";
import type { OpenServer, ServerOptions, StartServer } from "../services/server.ts";

/** Stands for ports: connections are pairs of channels in memory, served by the real pipeline. */
export class MemoryNetwork {
  readonly startServer: StartServer = async (options) => this.#open(options);
  /** Requests whose frames were given back so far. */
  releasedFramesCount = 0;
  readonly #pipelines = new Set<ServerPipeline>();
  #options: ServerOptions | null = null;
  #nextId = 0;

  /** A client's end of a new connection to the first listener. */
  connect(): ByteChannel {
    const options = this.#options;
    if (options === null) throw new Error("nothing listens");
    const [client, server] = createMemoryPair();
    const { name, port } = options.listeners[0]!;
    const pipeline = new ServerPipeline(server, {
      id: this.#nextId++,
      listenerName: name,
      advertised: { host: "broker.test", port },
      handler: options.handler,
      headerVersionOf: requestHeaderVersionOf,
      limits: { ...DEFAULT_PIPELINE_LIMITS, maxRequestBytes: options.limits().maxRequestBytes },
      ordered: true,
      frameMemory: {
        gather: options.frameMemory.gather,
        hold: (frame) => options.frameMemory.hold(frame),
        release: (frame) => {
          this.releasedFramesCount++;
          options.frameMemory.release(frame);
        },
      },
      runtime: options.runtime,
      onClose: () => this.#pipelines.delete(pipeline),
    });
    this.#pipelines.add(pipeline);
    return client;
  }

  #open(options: ServerOptions): OpenServer {
    this.#options = options;
    return {
      listeners: options.listeners.map((listener) => ({ ...listener, host: "127.0.0.1", hosts: ["127.0.0.1"] })),
      connectionCount: 0,
      connections: () => this.#pipelines,
      close: async () => {
        this.#options = null;
        for (const pipeline of this.#pipelines) pipeline.drain();
      },
    };
  }
}
