import type { Socket } from "node:net";
import type { Timer } from "@ottla/runtime";
import { plainAddress } from "./advertised.ts";
import { IpOverrides } from "./ip-overrides.ts";
import type { ListenerOptions, ServerContext } from "./options.ts";
import { RateBudget } from "./rate-budget.ts";
import { ThrottledSockets } from "./throttled-sockets.ts";

/** How many sockets may wait to be let in: as many as Apache Kafka leaves to the system, `socket.listen.backlog.size`. */
const WAITING_MAX = 50;
/** How often it is looked whether those who wait may come in: limits and time change without telling. */
const REVIEW_INTERVAL_MS = 100;

interface Newcomer {
  readonly socket: Socket;
  readonly ip: string;
  readonly listener: ListenerOptions;
  readonly enter: () => void;
}

/**
 * Who may come in, as in Apache Kafka: where one address has too many connections its next one is closed; where one comes
 * too fast for its quota, it is closed after a while; where all have too many, or came too fast, newcomers wait unanswered
 * until there is room. Brokers among themselves, on a listener of their own, never wait for others.
 */
export class Admission {
  readonly #context: ServerContext;
  readonly #makeRoom: (listenerName: string) => void;
  readonly #sockets = new Set<Socket>();
  readonly #countByIp = new Map<string, number>();
  readonly #overrides = new IpOverrides();
  readonly #budget: RateBudget;
  readonly #waiting: Newcomer[] = [];
  readonly #throttled: ThrottledSockets;
  #review: Timer | null = null;
  #isClosed = false;
  #whenEmpty: (() => void) | null = null;

  /** `makeRoom` closes a connection of another listener than the one named. */
  constructor(context: ServerContext, makeRoom: (listenerName: string) => void) {
    this.#context = context;
    this.#makeRoom = makeRoom;
    this.#budget = new RateBudget(context.runtime.clock);
    this.#throttled = new ThrottledSockets(context.runtime);
  }

  /** Sockets that are in, in whatever state. */
  get count(): number {
    return this.#sockets.size;
  }

  /** Calls `enter` as soon as the socket may be served; a socket that never may is destroyed. */
  admit(socket: Socket, listener: ListenerOptions, enter: () => void): void {
    socket.on("error", () => {});
    const newcomer = { socket, ip: plainAddress(socket.remoteAddress), listener, enter };
    if (this.#isClosed) this.#refuse(newcomer, "shutting down");
    else if (this.#isTooFast(newcomer) || this.#isTooManyOf(newcomer)) return;
    else if (listener.isPrivileged || (this.#waiting.length === 0 && this.#wait() === null)) this.#take(newcomer);
    else if (this.#waiting.length < WAITING_MAX) this.#letWait(newcomer);
    else this.#refuse(newcomer, `${this.#wait()}, and ${WAITING_MAX} wait already`);
  }

  /** Lets nobody in any more. Resolves when the last one has gone. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#review?.cancel();
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
    this.#throttled.close();
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What a newcomer has to wait for, or null. */
  #wait(): string | null {
    const { maxConnections, maxConnectionCreationRate, connectionCreationWindowMs } = this.#context.limits;
    if (this.#sockets.size >= maxConnections) return `max.connections=${maxConnections}`;
    if (this.#budget.has(maxConnectionCreationRate, connectionCreationWindowMs)) return null;
    return `max.connection.creation.rate=${maxConnectionCreationRate}`;
  }

  /** Holds one whose address came too often of late, and closes it then: nobody else waits for that. */
  #isTooFast({ socket, ip, listener }: Newcomer): boolean {
    const throttleMs = this.#context.connectionThrottleMs(ip);
    if (throttleMs > 0) this.#throttled.hold(socket, throttleMs, { listener: listener.name, remote: ip });
    return throttleMs > 0;
  }

  /** Closes one that comes from where too many came from already. */
  #isTooManyOf(newcomer: Newcomer): boolean {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#context.limits;
    const override = this.#overrides.limitOf(newcomer.ip, maxConnectionsPerIpOverrides);
    if ((this.#countByIp.get(newcomer.ip) ?? 0) < (override ?? maxConnectionsPerIp)) return false;
    const limit =
      override === undefined
        ? `max.connections.per.ip=${maxConnectionsPerIp}`
        : `max.connections.per.ip.overrides=${newcomer.ip}:${override}`;
    this.#refuse(newcomer, limit);
    return true;
  }

  #refuse({ socket, ip, listener }: Newcomer, limit: string): void {
    this.#context.runtime.logger.warn("Refusing a connection", { listener: listener.name, remote: ip, limit });
    socket.destroy();
  }

  #letWait(newcomer: Newcomer): void {
    if (this.#waiting.length === 0) {
      const fields = { listener: newcomer.listener.name, remote: newcomer.ip, limit: this.#wait() };
      this.#context.runtime.logger.warn("Connections wait to be served", fields);
    }
    this.#waiting.push(newcomer);
    this.#planReview();
  }

  #planReview(): void {
    if (this.#waiting.length === 0 || this.#review !== null || this.#isClosed) return;
    this.#review = this.#context.runtime.timers.schedule(REVIEW_INTERVAL_MS, () => {
      this.#review = null;
      this.#letIn();
      this.#planReview();
    });
  }

  #letIn(): void {
    while (this.#waiting.length > 0 && this.#wait() === null) {
      const newcomer = this.#waiting.shift()!;
      if (!newcomer.socket.destroyed && !this.#isTooManyOf(newcomer)) this.#take(newcomer);
    }
  }

  #take({ socket, ip, listener, enter }: Newcomer): void {
    const { maxConnections, maxConnectionCreationRate, connectionCreationWindowMs } = this.#context.limits;
    if (this.#sockets.size >= maxConnections) this.#makeRoom(listener.name);
    this.#budget.spend(maxConnectionCreationRate, connectionCreationWindowMs);
    this.#sockets.add(socket);
    this.#countByIp.set(ip, (this.#countByIp.get(ip) ?? 0) + 1);
    socket.once("close", () => this.#forget(socket, ip));
    enter();
  }

  #forget(socket: Socket, ip: string): void {
    this.#sockets.delete(socket);
    const count = (this.#countByIp.get(ip) ?? 1) - 1;
    if (count === 0) this.#countByIp.delete(ip);
    else this.#countByIp.set(ip, count);
    if (!this.#isClosed) this.#letIn();
    if (this.#sockets.size === 0) this.#whenEmpty?.();
  }
}
