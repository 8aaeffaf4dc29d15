import type { Runtime } from "@ottla/runtime";
import type { AdvertisedAddress, HttpHandler, RequestHandler } from "@ottla/transport";

/** One port to open. */
export interface ServerListener {
  readonly name: string;
  /** Without one, both loopback addresses. */
  readonly host?: string;
  readonly port: number;
  readonly protocols: readonly ("kafka" | "http" | "ws")[];
  readonly advertised?: { readonly host: string; readonly port: number } | { readonly url: string };
}

export interface ServerOptions {
  readonly listeners: readonly ServerListener[];
  readonly handler: RequestHandler;
  readonly http?: HttpHandler;
  readonly limits: {
    readonly maxRequestBytes: number;
    readonly connectionsMaxIdleMs: number;
    readonly maxConnections: number;
    readonly maxConnectionsPerIp: number;
  };
  readonly allowedOrigins: () => readonly string[];
  readonly runtime: Runtime;
}

/** A port that is open: `port` is the real one also where 0 was asked for. */
export interface OpenListener extends ServerListener {
  readonly host: string;
  readonly hosts: readonly string[];
}

export interface OpenServer {
  readonly listeners: readonly OpenListener[];
  readonly connectionCount: number;
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Opens the ports: `startServer` of `@ottla/transport/node`, or what stands for it in a simulation. */
export type StartServer = (options: ServerOptions) => Promise<OpenServer>;

/** Where clients of a listener find it, for people to read and for the registration of the broker. */
export function addressOf(listener: OpenListener): AdvertisedAddress {
  const { advertised, port } = listener;
  if (advertised === undefined) return { host: reachableHost(listener.host), port };
  if ("host" in advertised) return advertised;
  const { hostname, port: urlPort, protocol } = new URL(advertised.url);
  return { host: hostname, port: Number(urlPort) || (protocol === "wss:" ? 443 : 80), url: advertised.url };
}

/** A host that works from this machine. */
export function reachableHost(host: string): string {
  const isLocal = host === "127.0.0.1" || host === "::1" || host === "::" || host === "0.0.0.0";
  return isLocal ? "localhost" : host;
}
