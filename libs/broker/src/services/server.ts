import type { Runtime } from "@ottla/runtime";
import type { HttpHandler, RequestFrames, RequestHandler, ServerConnection } from "@ottla/transport";
import type { AdvertisedListener } from "../config/listeners.ts";

/** One port to open. */
export interface ServerListener {
  /** The name of the listener in `listeners`. */
  readonly name: string;
  /** Without one, both loopback addresses. */
  readonly host?: string;
  /** Its port; 0 takes a free one, and the listener that is open tells which. */
  readonly port: number;
  /** What it speaks, told apart by the first bytes. */
  readonly protocols: readonly ("kafka" | "http" | "ws")[];
  /** For brokers among themselves, beside others for clients. */
  readonly isPrivileged?: boolean;
  /** Where clients are told to connect. */
  readonly advertised?: AdvertisedListener;
}

/** What the broker asks of the server that carries its requests. */
export interface ServerOptions {
  /** The ports to open, and what is spoken there. */
  readonly listeners: readonly ServerListener[];
  /** Answers requests of Kafka's protocol. */
  readonly handler: RequestHandler;
  /** Answers plain HTTP. Default: nothing does. */
  readonly http?: HttpHandler;
  /** As of now: some of them change at run time. */
  readonly limits: () => ServerLimits;
  /** Origins of pages that may connect, beside the server's own; as of now. */
  readonly allowedOrigins: () => readonly string[];
  /** Asked about each new connection: for how long it is held before it is closed, in ms; 0 lets it in. */
  readonly connectionThrottleMs?: (ip: string) => number;
  /** Where requests are gathered that come in pieces. */
  readonly frameMemory: RequestFrames;
  /** Clock and timers. */
  readonly runtime: Runtime;
}

/** Bounds of the server and its connections, from the configs. */
export interface ServerLimits {
  readonly maxRequestBytes: number;
  readonly connectionsMaxIdleMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  readonly maxConnectionCreationRate: number;
  readonly connectionCreationWindowMs: number;
  readonly queuedMaxRequestBytes: number;
}

/** A port that is open: `port` is the real one also where 0 was asked for. */
export interface OpenListener extends ServerListener {
  readonly host: string;
  /** The addresses that it is bound to. */
  readonly hosts: readonly string[];
}

/** A server whose ports are open. */
export interface OpenServer {
  /** Its listeners, in the order of `listeners`. */
  readonly listeners: readonly OpenListener[];
  /** Connections that are open now. */
  readonly connectionCount: number;
  /** The connections that speak Kafka, as of now. */
  connections(): Iterable<ServerConnection>;
  /** Takes no more connections, lets what is asked already be answered within `graceMs`, and closes. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Opens the ports: `startServer` of `@ottla/transport/node`, or what stands for it in a simulation. */
export type StartServer = (options: ServerOptions) => Promise<OpenServer>;

/** Where clients of a listener find it over TCP. */
export function tcpAddressOf({ advertised, host, port }: OpenListener): {
  readonly host: string;
  readonly port: number;
} {
  if (advertised !== undefined && "host" in advertised) return { host: advertised.host, port: advertised.port };
  return { host: reachableHost(host), port };
}

/** The URL that WebSocket clients of a listener are told, where one is configured. */
export function advertisedUrlOf({ advertised }: OpenListener): string | null {
  return advertised !== undefined && "url" in advertised ? advertised.url : null;
}

/** What clients over TCP are configured with: `localhost:9092`. */
export function bootstrapServersOf(listener: OpenListener): string {
  const { host, port } = tcpAddressOf(listener);
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What clients over WebSocket are configured with: `ws://localhost:9092/kafka`. */
export function webSocketUrlOf(listener: OpenListener): string {
  return advertisedUrlOf(listener) ?? `ws://${bootstrapServersOf(listener)}/kafka`;
}

/** A host that works from this machine. */
function reachableHost(host: string): string {
  const isLocal = host === "127.0.0.1" || host === "::1" || host === "::" || host === "0.0.0.0";
  return isLocal ? "localhost" : host;
}
