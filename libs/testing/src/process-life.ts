import type { ServerOptions, StartServer } from "@ottla/broker";
import { createSystemRuntime, type Disk, type Logger, type Runtime, type Timer } from "@ottla/runtime";
import { type ByteChannel, type Connector, createDefaultConnector } from "@ottla/transport";
import { startServer } from "@ottla/transport/node";

type Method = (...args: unknown[]) => unknown;

const NEVER = new Promise<never>(() => {});

/**
 * All that a broker has of its process, so that it can be killed although it shares one with others: its timers do not
 * fire any more, its disk never answers, its sockets are closed. What it had written stays written, as with `kill -9`.
 */
export class ProcessLife {
  readonly runtime: Runtime;
  readonly disks: readonly Disk[];
  readonly connector: Connector;
  readonly startServer: StartServer;
  readonly #timers = new Set<Timer>();
  readonly #channels = new Set<ByteChannel>();
  readonly #locks: { release(): Promise<void> }[] = [];
  #server: Awaited<ReturnType<StartServer>> | null = null;
  /** The disks go first, so that nothing is answered that is not written; timers still have to close the sockets. */
  #isDiskGone = false;
  #isGone = false;

  /** @param base the runtime that ends with this process. Default: the system's, with `logger`. */
  constructor(
    disks: readonly Disk[],
    logger: Logger | undefined,
    base = createSystemRuntime(logger === undefined ? {} : { logger }),
  ) {
    this.runtime = this.#mortalRuntime(base);
    this.disks = disks.map((disk) => this.#mortal(disk));
    this.connector = this.#mortalConnector(createDefaultConnector(this.runtime));
    this.startServer = async (options: ServerOptions) => {
      this.#server = await startServer(options);
      return this.#server;
    };
  }

  /** The first of the disks. */
  get disk(): Disk {
    return this.disks[0]!;
  }

  /** Ends it at once. Resolves when the ports are free and the disk may be used by the next life. */
  async kill(): Promise<void> {
    this.#isDiskGone = true;
    for (const channel of this.#channels) channel.destroy();
    await this.#server?.close({ graceMs: 0 });
    this.#isGone = true;
    for (const timer of this.#timers) timer.cancel();
    for (const lock of this.#locks) await lock.release();
  }

  #mortalRuntime(runtime: Runtime): Runtime {
    const { timers } = runtime;
    return {
      ...runtime,
      timers: {
        schedule: (delayMs, callback, options) => {
          if (this.#isGone) return { cancel() {} };
          const timer = timers.schedule(
            delayMs,
            () => {
              this.#timers.delete(timer);
              callback();
            },
            options,
          );
          this.#timers.add(timer);
          return {
            cancel: () => {
              this.#timers.delete(timer);
              timer.cancel();
            },
          };
        },
        defer: (callback) => timers.defer(() => (this.#isGone ? undefined : callback())),
      },
    };
  }

  /** A disk, or a file of it: every call of a method goes on for ever once the process is gone. */
  #mortal<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (_, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        // The one call that answers at once: what it reads is there.
        if (key === "readSync") return member.bind(target);
        return (...args: unknown[]) => (this.#isDiskGone ? NEVER : this.#call(target, key, member as Method, args));
      },
    });
  }

  async #call(target: object, key: string | symbol, method: Method, args: unknown[]): Promise<unknown> {
    const result: unknown = await method.apply(target, args);
    if (this.#isDiskGone) return await NEVER;
    if (key === "lock") this.#locks.push(result as { release(): Promise<void> });
    return key === "open" ? this.#mortal(result as object) : result;
  }

  #mortalConnector(connector: Connector): Connector {
    return {
      connect: async (address, options) => {
        const channel = this.#isDiskGone ? await NEVER : await connector.connect(address, options);
        this.#channels.add(channel);
        return channel;
      },
    };
  }
}
