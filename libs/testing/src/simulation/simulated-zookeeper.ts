import type { MetadataLog } from "@ottla/metadata";
import { ZooKeeperMetadataLog } from "@ottla/metadata";
import { seededRandom } from "@ottla/runtime";
import {
  type ModelCommit,
  type ModelFault,
  type ModelSession,
  type SessionEvent,
  type Watch,
  type Znode,
  type ZnodeOperation,
  type ZnodeStat,
  type ZooKeeper,
  ZooKeeperModel,
} from "@ottla/zookeeper";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

export const ZOOKEEPER_ROOT = "/ottla";

export interface SimulatedZooKeeperOptions {
  readonly world: SimulatedWorld;
  readonly sessionTimeoutMs: number;
  /** How often each fault hits an operation while there are faults: once in so many. */
  readonly faults: Readonly<Partial<Record<ModelFault, number>>>;
  readonly onCommit?: (commit: ModelCommit) => void;
}

/** The ensemble that the brokers of a simulated cluster share. */
export class SimulatedZooKeeper {
  readonly model: ZooKeeperModel;
  /** Requests and hints so far. */
  operations = { read: 0, write: 0, sync: 0, watch: 0 };
  readonly #world: SimulatedWorld;
  readonly #sessions = new Map<SimulatedProcess, ModelSession>();

  constructor({ world, sessionTimeoutMs, faults, onCommit }: SimulatedZooKeeperOptions) {
    const random = seededRandom(world.seed * 131 + 5);
    this.#world = world;
    this.model = new ZooKeeperModel({
      runtime: { ...world.runtime, random },
      sessionTimeoutMs,
      latencyMs: () => 0.1 + random.nextFloat() * (random.nextInt(50) === 0 && world.isFaulty ? 200 : 1),
      fault: () => {
        if (!world.isFaulty) return null;
        for (const [fault, onceIn] of Object.entries(faults) as [ModelFault, number][]) {
          if (random.nextInt(onceIn) > 0) continue;
          world.tally.add(`ZooKeeper: ${fault}`);
          return fault;
        }
        return null;
      },
      onCommit: (commit) => {
        world.trace.note(`${commit.sessionId} ${commit.changes.map(({ type, path }) => `${type} ${path}`).join()}`);
        onCommit?.(commit);
      },
      onMessage: (kind) => this.operations[kind]++,
    });
  }

  /** A process's own session: it ends some time after the process does. */
  async open(process: SimulatedProcess): Promise<MetadataLog> {
    const session = this.model.connect();
    this.#sessions.set(process, session);
    session.onSessionEvent((event) => this.#world.tally.add(`ZooKeeper session ${event}`));
    process.onKilled(() => {
      session.destroy();
      this.#sessions.delete(process);
    });
    const client = new SessionOfProcess(process, session);
    return await ZooKeeperMetadataLog.open({ client, root: ZOOKEEPER_ROOT, runtime: process.runtime });
  }

  sessionOf(process: SimulatedProcess): ModelSession | undefined {
    return this.#sessions.get(process);
  }

  healAll(): void {
    this.model.recover();
    for (const session of this.#sessions.values()) session.heal();
  }
}

/** A session whose answers, events and hints wake the process that they are for: not while it is paused, nor ever after. */
class SessionOfProcess implements ZooKeeper {
  readonly #process: SimulatedProcess;
  readonly #session: ModelSession;

  constructor(process: SimulatedProcess, session: ModelSession) {
    this.#process = process;
    this.#session = session;
  }

  /** As the process knows it: what has become of its session while it was paused, it has to be told first. */
  get sessionId(): bigint {
    return this.#session.sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#session.sessionTimeoutMs;
  }

  create(path: string, data: Uint8Array, options?: { readonly ephemeral?: boolean }): Promise<void> {
    return this.#wake(this.#session.create(path, data, options));
  }

  get(path: string, watch?: Watch): Promise<Znode> {
    return this.#wake(this.#session.get(path, this.#hint(watch)));
  }

  exists(path: string, watch?: Watch): Promise<ZnodeStat | null> {
    return this.#wake(this.#session.exists(path, this.#hint(watch)));
  }

  children(path: string, watch?: Watch): Promise<readonly string[]> {
    return this.#wake(this.#session.children(path, this.#hint(watch)));
  }

  set(path: string, data: Uint8Array, version: number): Promise<void> {
    return this.#wake(this.#session.set(path, data, version));
  }

  remove(path: string, version: number): Promise<void> {
    return this.#wake(this.#session.remove(path, version));
  }

  multi(operations: readonly ZnodeOperation[]): Promise<void> {
    return this.#wake(this.#session.multi(operations));
  }

  sync(path: string): Promise<void> {
    return this.#wake(this.#session.sync(path));
  }

  onSessionEvent(listener: (event: SessionEvent) => void): () => void {
    return this.#session.onSessionEvent((event) => this.#process.wake(() => listener(event)));
  }

  close(): Promise<void> {
    return this.#wake(this.#session.close());
  }

  destroy(): void {
    this.#session.destroy();
  }

  #wake<T>(called: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      called.then(
        (result) => this.#process.wake(() => resolve(result)),
        (error: unknown) => this.#process.wake(() => reject(error)),
      );
    });
  }

  #hint(watch: Watch | undefined): Watch | undefined {
    return watch === undefined ? undefined : () => this.#process.wake(watch);
  }
}
