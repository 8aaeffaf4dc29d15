import type { Socket } from "node:net";
import type { Timer } from "@ottla/runtime";
import { ServerPipeline, type ServerPipelineOptions } from "../../server/server-pipeline.ts";
import type { TcpChannel } from "../tcp-channel.ts";
import { NodeWebSocketChannel } from "../websocket-channel.ts";
import { plainAddress } from "./advertised.ts";
import type { ServerContext } from "./options.ts";

type Channel = TcpChannel | NodeWebSocketChannel;

/** All connections of a server: counts them, keeps to their limits, drops the idle and the dead. */
export class Connections {
  private readonly context: ServerContext;
  private readonly sockets = new Set<Socket>();
  /** Sockets that have not said what they want, with the time that they have for it. Nothing is owed to them. */
  private readonly handshakes = new Map<Socket, Timer>();
  private readonly countByIp = new Map<string, number>();
  private readonly pipelines = new Map<ServerPipeline, Channel>();
  private sweepTimer: Timer | null = null;
  private nextId = 0;
  private isDraining = false;
  private whenEmpty: (() => void) | null = null;

  constructor(context: ServerContext) {
    this.context = context;
  }

  /** Sockets that are open, in whatever state. */
  get count(): number {
    return this.sockets.size;
  }

  /** The connections that speak Kafka. */
  serving(): Iterable<ServerPipeline> {
    return this.pipelines.keys();
  }

  /** Takes in a new socket, or destroys it when there are too many. */
  admit(socket: Socket, listenerName: string): boolean {
    socket.on("error", () => {});
    const ip = plainAddress(socket.remoteAddress);
    const refusal = this.refusalFor(ip);
    if (refusal !== null) {
      this.context.runtime.logger.warn("Refusing a connection", { listener: listenerName, remote: ip, limit: refusal });
      socket.destroy();
      return false;
    }
    this.sockets.add(socket);
    this.countByIp.set(ip, (this.countByIp.get(ip) ?? 0) + 1);
    socket.once("close", () => this.forget(socket, ip));
    return true;
  }

  /** Gives a socket `handshakeTimeoutMs` to say what it wants. */
  beginHandshake(socket: Socket, listenerName: string): void {
    const { handshakeTimeoutMs } = this.context.limits;
    const timer = this.context.runtime.timers.schedule(handshakeTimeoutMs, () => {
      const fields = { listener: listenerName, remote: socket.remoteAddress };
      const reason = `did not say what it wants within ${handshakeTimeoutMs} ms`;
      this.context.runtime.logger.info("Closing a connection", { ...fields, reason });
      socket.destroy();
    });
    this.handshakes.set(socket, timer);
    socket.on("error", () => {});
    socket.once("close", () => this.endHandshake(socket));
  }

  /** The socket has said what it wants. */
  endHandshake(socket: Socket): void {
    this.handshakes.get(socket)?.cancel();
    this.handshakes.delete(socket);
  }

  /** Starts serving Kafka on a channel. */
  serve(channel: Channel, options: Pick<ServerPipelineOptions, "listenerName" | "advertised" | "ordered">): void {
    const { handler, headerVersionOf, limits, memory, runtime } = this.context;
    const pipeline = new ServerPipeline(channel, {
      ...options,
      id: this.nextId++,
      handler,
      headerVersionOf,
      limits,
      memory,
      runtime,
      onClose: (closed) => this.pipelines.delete(closed),
    });
    this.pipelines.set(pipeline, channel);
    if (this.isDraining) pipeline.drain();
    this.planSweep();
  }

  /** Answers what is in flight and closes; what is left after `graceMs` is cut off. */
  drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    this.sweepTimer?.cancel();
    for (const socket of this.handshakes.keys()) socket.destroy();
    for (const pipeline of this.pipelines.keys()) pipeline.drain();
    if (this.sockets.size === 0) return Promise.resolve();
    const timer = this.context.runtime.timers.schedule(graceMs, () => this.destroyAll(), { keepAlive: true });
    return new Promise((resolve) => {
      this.whenEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private refusalFor(ip: string): string | null {
    const { maxConnections, maxConnectionsPerIp } = this.context.limits;
    if (this.isDraining) return "shutting down";
    if (this.sockets.size >= maxConnections) return `max.connections=${maxConnections}`;
    if ((this.countByIp.get(ip) ?? 0) >= maxConnectionsPerIp) return `max.connections.per.ip=${maxConnectionsPerIp}`;
    return null;
  }

  private forget(socket: Socket, ip: string): void {
    this.sockets.delete(socket);
    const count = (this.countByIp.get(ip) ?? 1) - 1;
    if (count === 0) this.countByIp.delete(ip);
    else this.countByIp.set(ip, count);
    if (this.sockets.size === 0) this.whenEmpty?.();
  }

  private destroyAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** One timer for all connections, and none while there are none. */
  private planSweep(): void {
    if (this.sweepTimer !== null || this.pipelines.size === 0 || this.isDraining) return;
    const { webSocketPingIntervalMs, connectionsMaxIdleMs } = this.context.limits;
    const intervalMs = Math.min(webSocketPingIntervalMs, connectionsMaxIdleMs / 2);
    this.sweepTimer = this.context.runtime.timers.schedule(intervalMs, () => {
      this.sweepTimer = null;
      this.sweep();
      this.planSweep();
    });
  }

  private sweep(): void {
    const idleSinceMs = this.context.runtime.clock.monotonicMs() - this.context.limits.connectionsMaxIdleMs;
    for (const [pipeline, channel] of this.pipelines) {
      if (pipeline.lastActiveMs <= idleSinceMs && pipeline.requestsInFlight === 0) this.dropIdle(pipeline, channel);
      else if (channel instanceof NodeWebSocketChannel) channel.probe();
    }
  }

  private dropIdle(pipeline: ServerPipeline, channel: Channel): void {
    if (channel.bufferedBytes > 0) channel.destroy();
    else pipeline.close(`idle for ${this.context.limits.connectionsMaxIdleMs} ms (connections.max.idle.ms)`);
  }
}
