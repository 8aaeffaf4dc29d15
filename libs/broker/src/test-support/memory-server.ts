import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import {
  type ByteChannel,
  createMemoryPair,
  DEFAULT_PIPELINE_LIMITS,
  type RequestFrames,
  ServerPipeline,
} from "@ottla/transport";
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
      frameMemory: this.#countReleases(options.frameMemory),
      runtime: options.runtime,
      onClose: () => this.#pipelines.delete(pipeline),
    });
    this.#pipelines.add(pipeline);
    return client;
  }

  /** A channel in memory delivers bytes that are no frames of this memory: what is released of those does not count. */
  #countReleases(frames: RequestFrames): RequestFrames {
    const held = new Set<Uint8Array>();
    return {
      gather: (before, sizeBytes) => {
        const memory = frames.gather(before, sizeBytes);
        held.add(memory);
        return memory;
      },
      hold: (frame) => {
        held.add(frame);
        frames.hold(frame);
      },
      release: (frame) => {
        if (held.delete(frame)) this.releasedFramesCount++;
        frames.release(frame);
      },
    };
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
