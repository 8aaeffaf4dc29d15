import type { TlsOptions } from "node:tls";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import type { Runtime } from "@ottla/runtime";
import type { HttpHandler, RequestFrames, RequestHandler } from "../../server/contract.ts";
import { RequestMemory } from "../../server/request-memory.ts";
import { DEFAULT_PIPELINE_LIMITS, type PipelineLimits } from "../../server/server-pipeline.ts";

/** What one port speaks; the first bytes of a connection say which. */
export type ListenerProtocol = "kafka" | "http" | "ws";

/** One of `listeners`, with its part of `advertised.listeners`. */
export interface ListenerOptions {
  /** Kafka's listener name. */
  readonly name: string;
  /** Address to bind. Without one, both loopback addresses: 127.0.0.1 and ::1. */
  readonly host?: string;
  /** Port to bind; 0 takes a free one, the same for all addresses. */
  readonly port: number;
  readonly protocols: readonly ListenerProtocol[];
  /** TLS on this port: options of `node:tls`, `key` and `cert` first. */
  readonly tls?: TlsOptions;
  /** For brokers among themselves, beside others for clients: `max.connections` and the rate do not hold them back. */
  readonly isPrivileged?: boolean;
  /** What clients of this listener are told to connect to. A `url` serves WebSocket clients, `host` and `port` all. */
  readonly advertised?: { readonly host: string; readonly port: number } | { readonly url: string };
}

/** Bounds of a server and of each of its connections. */
export interface ServerLimits extends PipelineLimits {
  /** `connections.max.idle.ms`: a connection without traffic is closed after this time. */
  readonly connectionsMaxIdleMs: number;
  /** `max.connections`: connections on all listeners together. */
  readonly maxConnections: number;
  /** `max.connections.per.ip`. */
  readonly maxConnectionsPerIp: number;
  /** `max.connections.per.ip.overrides`: the same for single hosts and addresses. Another map is another setting. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** `max.connection.creation.rate`: new connections in a second. */
  readonly maxConnectionCreationRate: number;
  /** The time over which that rate is held: what it allows in this time may come at once. */
  readonly connectionCreationWindowMs: number;
  /** `queued.max.request.bytes`: of requests of all connections that are being read or wait; -1 for no limit. */
  readonly queuedMaxRequestBytes: number;
  /** How long a client may take to say what it speaks: first bytes, TLS handshake, HTTP header. */
  readonly handshakeTimeoutMs: number;
  /** How often a WebSocket client is asked whether it still exists; one that does not answer is dropped. */
  readonly webSocketPingIntervalMs: number;
  /** How long the system waits before it probes a silent TCP client. */
  readonly tcpKeepAliveDelayMs: number;
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  ...DEFAULT_PIPELINE_LIMITS,
  connectionsMaxIdleMs: 600_000,
  maxConnections: 2 ** 31 - 1,
  maxConnectionsPerIp: 2 ** 31 - 1,
  maxConnectionsPerIpOverrides: new Map(),
  maxConnectionCreationRate: 2 ** 31 - 1,
  connectionCreationWindowMs: 10_000,
  queuedMaxRequestBytes: -1,
  handshakeTimeoutMs: 30_000,
  webSocketPingIntervalMs: 30_000,
  tcpKeepAliveDelayMs: 60_000,
};

/**
 * A frame may not be so large that its size could be read as text: the first byte of a connection tells `GET …` from
 * Kafka by that.
 */
export const MAX_REQUEST_BYTES_LIMIT = 0x40_ff_ff_ff;

export interface StartServerOptions {
  readonly listeners: readonly ListenerOptions[];
  /** Answers Kafka requests, whatever carries them. */
  readonly handler: RequestHandler;
  /** Answers plain HTTP; without one everything but the WebSocket endpoint is 404. */
  readonly http?: HttpHandler;
  /** A function where they change while the server runs: what bounds a connection counts for those that come. */
  readonly limits?: Partial<ServerLimits> | (() => Partial<ServerLimits>);
  /** `allowed.origins`; a function where they change while the server runs. None by default. */
  readonly allowedOrigins?: readonly string[] | (() => readonly string[]);
  /**
   * Asked about each new connection: for how long it is held, unanswered, before it is closed, as its address came too often
   * (KIP-612); 0 lets it in. Default: all are let in.
   */
  readonly connectionThrottleMs?: (ip: string) => number;
  /** Where requests are gathered that come in pieces; new memory for each by default. */
  readonly frameMemory?: RequestFrames | undefined;
  readonly runtime: Runtime;
}

/** The options with all defaults filled in, as the parts of a server share them. */
export interface ServerContext {
  readonly handler: RequestHandler;
  readonly http: HttpHandler | undefined;
  /** As of now. */
  readonly limits: ServerLimits;
  readonly memory: RequestMemory;
  readonly frameMemory: RequestFrames | undefined;
  readonly allowedOrigins: () => readonly string[];
  readonly connectionThrottleMs: (ip: string) => number;
  readonly runtime: Runtime;
  readonly headerVersionOf: (apiKey: number, apiVersion: number) => number | undefined;
}

export function createContext(options: StartServerOptions): ServerContext {
  const { handler, http, allowedOrigins = [], connectionThrottleMs = () => 0, frameMemory, runtime } = options;
  const { limits = {} } = options;
  const given = typeof limits === "function" ? limits : () => limits;
  const currentLimits = () => ({ ...DEFAULT_SERVER_LIMITS, ...given() });
  if (currentLimits().maxRequestBytes > MAX_REQUEST_BYTES_LIMIT) {
    throw new RangeError(`socket.request.max.bytes is at most ${MAX_REQUEST_BYTES_LIMIT}`);
  }
  return {
    handler,
    http,
    get limits() {
      return currentLimits();
    },
    memory: new RequestMemory(() => given().queuedMaxRequestBytes ?? DEFAULT_SERVER_LIMITS.queuedMaxRequestBytes),
    frameMemory,
    allowedOrigins: typeof allowedOrigins === "function" ? allowedOrigins : () => allowedOrigins,
    connectionThrottleMs,
    runtime,
    headerVersionOf: requestHeaderVersionOf,
  };
}
