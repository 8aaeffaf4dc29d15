import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { TcpChannel } from "../tcp-channel.ts";
import { advertisedToTcp } from "./advertised.ts";
import { type BoundAddress, bindAll } from "./bind.ts";
import type { Connections } from "./connections.ts";
import { HttpEndpoint, refuse } from "./http-endpoint.ts";
import type { ListenerOptions, ListenerProtocol, ServerContext } from "./options.ts";
import { sniff } from "./sniff.ts";

/** A port that is open. */
export class Listener {
  readonly options: ListenerOptions;
  private readonly context: ServerContext;
  private readonly connections: Connections;
  private readonly endpoint: HttpEndpoint;
  private servers: Server[] = [];

  constructor(options: ListenerOptions, context: ServerContext, connections: Connections) {
    this.options = options;
    this.context = context;
    this.connections = connections;
    this.endpoint = new HttpEndpoint(options, context, connections);
  }

  /** Binds every address. @throws ListenError */
  async open(): Promise<BoundAddress[]> {
    const { host, port, name } = this.options;
    const bound = await bindAll({ name, host, port }, () => this.createServer());
    this.servers = bound.map(({ server }) => server);
    for (const server of this.servers) {
      server.on("error", (error) => this.context.runtime.logger.error("A listener failed", { listener: name, error }));
    }
    return bound.map(({ address }) => address);
  }

  /** Accepts nothing more. Resolves when the last connection of this listener has ended. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  }

  private createServer(): Server {
    const socketOptions = {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.context.limits.tcpKeepAliveDelayMs,
    };
    const { tls } = this.options;
    const serve = tls === undefined ? (socket: Socket) => this.accept(socket) : this.secured(tls);
    // Who waits to be let in is not read from either.
    return createServer({ ...socketOptions, pauseOnConnect: true }, (socket) => {
      this.connections.admit(socket, this.options, () => {
        socket.resume();
        serve(socket);
      });
    });
  }

  /** Hands sockets to a TLS server, which does not listen itself. */
  private secured(tls: TlsOptions): (socket: Socket) => void {
    const { handshakeTimeoutMs } = this.context.limits;
    const server = createTlsServer({ handshakeTimeout: handshakeTimeoutMs, ...tls });
    server.on("secureConnection", (socket) => this.accept(socket));
    server.on("tlsClientError", (error, socket) => this.reject(socket, `TLS handshake failed: ${error.message}`));
    return (socket) => server.emit("connection", socket);
  }

  /** Waits for the first bytes and decides by them. */
  private accept(socket: Socket): void {
    this.connections.beginHandshake(socket, this.options.name);
    socket.once("data", (chunk) => this.route(socket, chunk));
  }

  private route(socket: Socket, firstChunk: Uint8Array): void {
    const sniffed = sniff(firstChunk, this.context.limits.maxRequestBytes);
    if (sniffed === "tls") this.reject(socket, "a TLS handshake on a listener without TLS");
    else if (sniffed === "http") this.routeHttp(socket, firstChunk);
    else if (this.speaks("kafka")) this.serveKafka(socket, firstChunk);
    else this.reject(socket, "Kafka over TCP on a listener that does not serve it");
  }

  private routeHttp(socket: Socket, firstChunk: Uint8Array): void {
    if (this.speaks("http") || this.speaks("ws")) {
      this.endpoint.accept(socket, firstChunk);
      return;
    }
    this.context.runtime.logger.info("Closing a connection", this.logFields(socket, "HTTP on a Kafka port"));
    this.connections.endHandshake(socket);
    refuse(
      socket,
      this.context.runtime.timers,
      400,
      `This port speaks the Kafka protocol, not HTTP (listener ${this.options.name}).`,
    );
  }

  private serveKafka(socket: Socket, firstChunk: Uint8Array): void {
    this.connections.endHandshake(socket);
    socket.pause();
    const channel = new TcpChannel(socket, {
      timers: this.context.runtime.timers,
      highWaterMarkBytes: this.context.limits.maxUnsentResponseBytes,
      firstChunk,
    });
    const advertised = advertisedToTcp(this.options, socket);
    this.connections.serve(channel, { listenerName: this.options.name, advertised, ordered: true });
  }

  private speaks(protocol: ListenerProtocol): boolean {
    return this.options.protocols.includes(protocol);
  }

  private reject(socket: Socket, reason: string): void {
    this.context.runtime.logger.info("Closing a connection", this.logFields(socket, reason));
    socket.destroy();
  }

  private logFields(socket: Socket, reason: string) {
    return { listener: this.options.name, remote: socket.remoteAddress, reason };
  }
}
