import type { Runtime, Timer } from "@ottla/runtime";
import { Watches } from "../client/watches.ts";
import { ZooKeeperError } from "../errors.ts";
import type { SessionEvent, Watch, Znode, ZnodeOperation, ZnodeStat, ZooKeeper } from "../zookeeper.ts";
import { parentOf, type ZnodeChange, ZnodeTree } from "./znode-tree.ts";

/** What befalls one operation on its way. */
export type ModelFault =
  /** The connection breaks before the request arrives. */
  | "lost-request"
  /** The connection breaks after the operation was done. */
  | "lost-answer"
  /** The connection breaks, and the request arrives later. */
  | "late-request"
  /** A read is answered by a server that lags behind (but not behind what this session has seen). */
  | "stale-read";

export interface ZooKeeperModelOptions {
  readonly runtime: Runtime;
  readonly sessionTimeoutMs: number;
  /** Asked for every operation; null: it goes well. */
  readonly fault?: (kind: "read" | "write") => ModelFault | null;
  /** How long an operation takes, in milliseconds of the runtime's time. Default: 0. */
  readonly latencyMs?: () => number;
}

/** Trees that lagging servers may still show. */
const HISTORY_MAX = 64;

/**
 * A ZooKeeper ensemble in memory, as its clients see it: sessions, watches, expiry, connections that break with an unknown
 * outcome, servers that lag behind. For tests and simulations; it passes the conformance cases that the real one passes.
 */
export class ZooKeeperModel {
  readonly options: ZooKeeperModelOptions;
  readonly #sessions = new Set<ModelSession>();
  readonly #history: ZnodeTree[] = [ZnodeTree.EMPTY];
  #nextSessionId = 1n;

  constructor(options: ZooKeeperModelOptions) {
    this.options = options;
  }

  /** A client with a session of its own. */
  connect(): ModelSession {
    const session = new ModelSession(this, this.newSessionId());
    this.#sessions.add(session);
    return session;
  }

  get tree(): ZnodeTree {
    return this.#history.at(-1)!;
  }

  /** @internal */
  newSessionId(): bigint {
    return this.#nextSessionId++;
  }

  /** @internal A tree that a lagging server may show to one who has seen `zxid`. */
  staleTree(zxid: bigint): ZnodeTree {
    const candidates = this.#history.filter((tree) => tree.zxid >= zxid);
    return candidates[this.options.runtime.random.nextInt(candidates.length)] ?? this.tree;
  }

  /** @internal Does the operations at once, for the session, and tells the watches. */
  commit(operations: readonly ZnodeOperation[], sessionId: bigint): void {
    const { tree, changes } = this.tree.apply(operations, sessionId);
    this.#history.push(tree);
    if (this.#history.length > HISTORY_MAX) this.#history.shift();
    for (const session of this.#sessions) session.changed(changes);
  }

  /** @internal Takes a session's ephemeral znodes away. */
  endSession(session: ModelSession, sessionId: bigint): void {
    for (const path of this.tree.ephemeralsOf(sessionId))
      this.commit([{ type: "remove", path, version: -1 }], sessionId);
    if (session.isClosed) this.#sessions.delete(session);
  }
}

/** One client's session with a {@link ZooKeeperModel}. */
export class ModelSession implements ZooKeeper {
  readonly #model: ZooKeeperModel;
  readonly #watches = new Watches();
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  #sessionId: bigint;
  #seenZxid = 0n;
  #expiry: Timer | null = null;
  #partitioned = false;
  #healed: (() => void)[] = [];
  #closed = false;

  constructor(model: ZooKeeperModel, sessionId: bigint) {
    this.#model = model;
    this.#sessionId = sessionId;
  }

  get sessionId(): bigint {
    return this.#sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#model.options.sessionTimeoutMs;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  create(path: string, data: Uint8Array, { ephemeral = false } = {}): Promise<void> {
    return this.multi([{ type: "create", path, data, ephemeral }]);
  }

  set(path: string, data: Uint8Array, version: number): Promise<void> {
    return this.multi([{ type: "set", path, data, version }]);
  }

  remove(path: string, version: number): Promise<void> {
    return this.multi([{ type: "remove", path, version }]);
  }

  async get(path: string, watch?: Watch): Promise<Znode> {
    return await this.#read(path, (tree) => {
      const znode = tree.get(path);
      if (znode === null) throw new ZooKeeperError("NO_NODE", `ZooKeeper answered NO_NODE to reading ${path}`);
      this.#watches.add("data", path, watch);
      return { data: znode.data.slice(), stat: znode.stat };
    });
  }

  async exists(path: string, watch?: Watch): Promise<ZnodeStat | null> {
    return await this.#read(path, (tree) => {
      this.#watches.add("data", path, watch);
      return tree.get(path)?.stat ?? null;
    });
  }

  async children(path: string, watch?: Watch): Promise<readonly string[]> {
    return await this.#read(path, (tree) => {
      if (tree.get(path) === null) throw new ZooKeeperError("NO_NODE", `ZooKeeper answered NO_NODE to listing ${path}`);
      this.#watches.add("children", path, watch);
      return tree.children(path);
    });
  }

  async multi(operations: readonly ZnodeOperation[]): Promise<void> {
    const sessionId = await this.#arrive();
    const fault = this.#fault("write");
    const commit = () => {
      this.#model.commit(operations, sessionId);
      this.#seenZxid = this.#model.tree.zxid;
    };
    if (fault === "late-request") this.#later(() => this.#commitLate(operations, sessionId));
    if (fault === "lost-request" || fault === "late-request") throw this.#breakConnection();
    commit();
    if (fault === "lost-answer") throw this.#breakConnection();
    await this.#travel();
  }

  /** A request of a connection that has broken: nobody hears what became of it. */
  #commitLate(operations: readonly ZnodeOperation[], sessionId: bigint): void {
    if (this.#sessionId !== sessionId || this.#closed) return;
    try {
      this.#model.commit(operations, sessionId);
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
    }
  }

  async sync(_path: string): Promise<void> {
    await this.#arrive();
    if (this.#fault("read") === "lost-request") throw this.#breakConnection();
    this.#seenZxid = this.#model.tree.zxid;
  }

  onSessionEvent(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#end();
    this.#model.endSession(this, this.#sessionId);
  }

  destroy(): void {
    if (this.#closed) return;
    this.#end();
    this.#later(() => this.#model.endSession(this, this.#sessionId), this.sessionTimeoutMs);
  }

  /** The ensemble declares the session over. The client hears of it and goes on with a new one. */
  expire(): void {
    const expiredId = this.#sessionId;
    this.#sessionId = this.#model.newSessionId();
    this.#model.endSession(this, expiredId);
    if (this.#closed) return;
    this.#watches.fireAll();
    this.#tell("expired");
    this.#tell("connected");
  }

  /** Cuts the client off from the ensemble: its session expires unless `heal` comes in time. */
  partition(): void {
    if (this.#partitioned) return;
    this.#partitioned = true;
    this.#tell("disconnected");
    this.#expiry = this.#later(() => {
      const sessionId = this.#sessionId;
      this.#sessionId = -1n;
      this.#model.endSession(this, sessionId);
    }, this.sessionTimeoutMs);
  }

  heal(): void {
    if (!this.#partitioned) return;
    this.#partitioned = false;
    this.#expiry?.cancel();
    if (this.#sessionId < 0n) this.expire();
    else this.#tell("connected");
    for (const resume of this.#healed.splice(0)) resume();
    this.#watches.fireAll();
  }

  /** @internal Something was committed: tells whoever watches it, in a later turn. */
  changed(changes: readonly ZnodeChange[]): void {
    if (this.#closed || this.#partitioned) return;
    queueMicrotask(() => {
      for (const { type, path } of changes) {
        this.#watches.fire({ type, path });
        if (type !== "dataChanged") this.#watches.fire({ type: "childrenChanged", path: parentOf(path) });
      }
    });
  }

  async #read<T>(path: string, read: (tree: ZnodeTree) => T): Promise<T> {
    await this.#arrive();
    const fault = this.#fault("read");
    if (fault === "lost-request" || fault === "lost-answer" || fault === "late-request") throw this.#breakConnection();
    const tree = fault === "stale-read" ? this.#model.staleTree(this.#seenZxid) : this.#model.tree;
    if (tree.zxid > this.#seenZxid) this.#seenZxid = tree.zxid;
    const result = read(tree);
    // What happened while the lagging server caught up is an event for the watch that was just set there.
    if (tree !== this.#model.tree) queueMicrotask(() => this.#watches.fire({ type: "dataChanged", path }));
    await this.#travel();
    return result;
  }

  /** Waits until the request is at the ensemble; the session that it belongs to. */
  async #arrive(): Promise<bigint> {
    await this.#travel();
    while (this.#partitioned && !this.#closed) await new Promise<void>((resolve) => void this.#healed.push(resolve));
    if (this.#closed) throw new ZooKeeperError("SESSION_EXPIRED", "The session was closed");
    return this.#sessionId;
  }

  async #travel(): Promise<void> {
    const latencyMs = this.#model.options.latencyMs?.() ?? 0;
    if (latencyMs > 0) await new Promise<void>((resolve) => void this.#later(resolve, latencyMs));
    else await Promise.resolve();
  }

  #fault(kind: "read" | "write"): ModelFault | null {
    return this.#model.options.fault?.(kind) ?? null;
  }

  #breakConnection(): ZooKeeperError {
    this.#tell("disconnected");
    this.#watches.fireAll();
    this.#tell("connected");
    return new ZooKeeperError("CONNECTION_LOSS", "The connection to ZooKeeper broke");
  }

  #end(): void {
    this.#closed = true;
    this.#expiry?.cancel();
    for (const resume of this.#healed.splice(0)) resume();
  }

  #later(action: () => unknown, delayMs = 1): Timer {
    return this.#model.options.runtime.timers.schedule(delayMs, () => void action());
  }

  #tell(event: SessionEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
