import { apiVersionsApi, encodeResponse } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import type { LogFields, Logger, Runtime } from "@ottla/runtime";
import type { ByteChannel, Connector } from "../byte-channel.ts";
import { createMemoryPair, type MemoryPairOptions } from "../memory-pair.ts";
import type { InboundRequest, RequestHandler } from "../server/contract.ts";
import { DEFAULT_PIPELINE_LIMITS, type PipelineLimits, ServerPipeline } from "../server/server-pipeline.ts";

/** Bytes 0, 1, 2 … that differ from one place to the next. */
export function patternBytes(sizeBytes: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = (i * 31 + (i >>> 8) + seed) & 0xff;
  return bytes;
}

/** A frame with its size in front. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setInt32(0, payload.length);
  frame.set(payload, 4);
  return frame;
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}

/** What happened on a channel that was started, and a way to wait for more of it. */
export class Recorder {
  readonly chunks: Uint8Array[] = [];
  drains = 0;
  closes: (Error | undefined)[] = [];
  private waiters: (() => void)[] = [];

  constructor(channel: ByteChannel) {
    channel.start({
      onData: (chunk) => {
        this.chunks.push(chunk);
        this.wake();
      },
      onDrain: () => {
        this.drains++;
        this.wake();
      },
      onClose: (cause) => {
        this.closes.push(cause);
        this.wake();
      },
    });
  }

  get bytes(): Uint8Array {
    return concat(this.chunks);
  }

  /** Resolves when `condition` holds; it is looked at after each event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** A logger that keeps its lines. */
export function recordingLogger(): Logger & {
  readonly lines: { level: string; message: string; fields: LogFields }[];
} {
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const log =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const logger = {
    lines,
    debugEnabled: true,
    error: log("error"),
    warn: log("warn"),
    info: log("info"),
    debug: log("debug"),
    child: () => logger,
  };
  return logger;
}

/** Turns of the event loop, for "nothing more happens" to mean something. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

export const SERVED_APIS = [
  { apiKey: 0, minVersion: 0, maxVersion: 13 },
  { apiKey: 1, minVersion: 4, maxVersion: 18 },
  { apiKey: 3, minVersion: 0, maxVersion: 13 },
  { apiKey: 18, minVersion: 0, maxVersion: 4 },
];

export function answerApiVersions(request: InboundRequest): void {
  const { correlationId, requestApiVersion } = request.header;
  const body = { errorCode: 0, apiKeys: SERVED_APIS };
  request.respond(encodeResponse(apiVersionsApi, requestApiVersion, correlationId, body));
}

/** A handler that answers ApiVersions and gives everything else to `handler`. */
export function withApiVersions(handler: RequestHandler): RequestHandler {
  return (request) =>
    request.header.requestApiKey === apiVersionsApi.key ? answerApiVersions(request) : handler(request);
}

export interface TestServerOptions {
  readonly runtime: Runtime;
  readonly ordered?: boolean;
  readonly limits?: Partial<PipelineLimits>;
  readonly onClose?: () => void;
}

/** A pipeline on `channel`, as a server would make it. */
export function servePipeline(
  channel: ByteChannel,
  handler: RequestHandler,
  options: TestServerOptions,
): ServerPipeline {
  return new ServerPipeline(channel, {
    id: 1,
    listenerName: "TEST",
    advertised: { host: "test", port: 1 },
    handler,
    headerVersionOf: requestHeaderVersionOf,
    limits: { ...DEFAULT_PIPELINE_LIMITS, ...options.limits },
    ordered: options.ordered ?? true,
    runtime: options.runtime,
    onClose: options.onClose,
  });
}

/** A connector whose every connection is a memory pair with a pipeline at its other end. */
export function memoryConnector(
  handler: RequestHandler,
  options: TestServerOptions & { readonly pair?: MemoryPairOptions },
): Connector & { readonly servers: ServerPipeline[]; readonly clients: ByteChannel[] } {
  const servers: ServerPipeline[] = [];
  const clients: ByteChannel[] = [];
  return {
    servers,
    clients,
    async connect() {
      const [client, server] = createMemoryPair(options.pair);
      clients.push(client);
      servers.push(servePipeline(server, handler, options));
      return client;
    },
  };
}
