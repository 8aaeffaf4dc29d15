import type { Socket } from "node:net";
import type { Timer } from "@ottla/runtime";
import { ServerPipeline, type ServerPipelineOptions } from "../../server/server-pipeline.ts";
import type { TcpChannel } from "../tcp-channel.ts";
import { NodeWebSocketChannel } from "../websocket-channel.ts";
import { Admission } from "./admission.ts";
import type { ListenerOptions, ServerContext } from "./options.ts";

type Channel = TcpChannel | NodeWebSocketChannel;

/** All connections of a server: lets them in, serves them, drops the idle and the dead. */
export class Connections {
  private readonly context: ServerContext;
  private readonly admission: Admission;
  /** Sockets that have not said what they want, with the time that they have for it. Nothing is owed to them. */
  private readonly handshakes = new Map<Socket, Timer>();
  private readonly pipelines = new Map<ServerPipeline, Channel>();
  private sweepTimer: Timer | null = null;
  private nextId = 0;
  private isDraining = false;

  constructor(context: ServerContext) {
    this.context = context;
    this.admission = new Admission(context, (listenerName) => this.makeRoom(listenerName));
  }

  /** Sockets that are open, in whatever state. */
  get count(): number {
    return this.admission.count;
  }

  /** The connections that speak Kafka. */
  serving(): Iterable<ServerPipeline> {
    return this.pipelines.keys();
  }

  /** Calls `enter` as soon as a new socket may be served. */
  admit(socket: Socket, listener: ListenerOptions, enter: () => void): void {
    this.admission.admit(socket, listener, enter);
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
    const { handler, headerVersionOf, limits, memory, frameMemory, runtime } = this.context;
    const pipeline = new ServerPipeline(channel, {
      ...options,
      id: this.nextId++,
      handler,
      headerVersionOf,
      limits,
      memory,
      frameMemory,
      runtime,
      onClose: (closed) => this.pipelines.delete(closed),
    });
    this.pipelines.set(pipeline, channel);
    if (this.isDraining) pipeline.drain();
    this.planSweep();
  }

  /** Answers what is in flight and closes; what is left after `graceMs` is cut off. */
  async drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    this.sweepTimer?.cancel();
    for (const socket of this.handshakes.keys()) socket.destroy();
    for (const pipeline of this.pipelines.keys()) pipeline.drain();
    const allGone = this.admission.close();
    if (this.admission.count === 0) return;
    const { timers } = this.context.runtime;
    const timer = timers.schedule(graceMs, () => this.admission.destroyAll(), { keepAlive: true });
    await allGone;
    timer.cancel();
  }

  /** Closes the connection that was silent for longest, of all other listeners. */
  private makeRoom(listenerName: string): void {
    const others = [...this.pipelines.keys()].filter((pipeline) => pipeline.listenerName !== listenerName);
    if (others.length === 0) return;
    const idlest = others.reduce((least, other) => (other.lastActiveMs < least.lastActiveMs ? other : least));
    idlest.close("it makes room for another broker (max.connections)");
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
