import type { Timer } from "@ottla/runtime";
import { Watches } from "../client/watches.ts";
import { ZooKeeperError } from "../errors.ts";
import type { SessionEvent, Watch, Znode, ZnodeOperation, ZnodeStat, ZooKeeper } from "../zookeeper.ts";
import { ModelConnection } from "./model-connection.ts";
import { parentOf, type ZnodeChange, type ZnodeTree } from "./znode-tree.ts";
import type { ModelFault, ZooKeeperModel } from "./zookeeper-model.ts";

interface WaitingCall {
  start(connection: ModelConnection): void;
  reject(error: ZooKeeperError): void;
}

const NO_SESSION = 0n;

/** One client's session with a {@link ZooKeeperModel}. It behaves as the real client does. */
export class ModelSession implements ZooKeeper {
  readonly #model: ZooKeeperModel;
  readonly #watches = new Watches();
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  /** Calls that wait for a connection. */
  #waiting: WaitingCall[] = [];
  #connection: ModelConnection | null;
  #sessionId: bigint;
  #seenZxid = 0n;
  /** When the ensemble gives a silent session up. */
  #expiry: Timer | null = null;
  /** When the client gives up hope for a connection. */
  #despair: Timer | null = null;
  #isUnreachable = false;
  #isExpired = false;
  #isPartitioned = false;
  #isClosed = false;

  constructor(model: ZooKeeperModel) {
    this.#model = model;
    this.#sessionId = model.newSessionId();
    this.#connection = model.isDown ? null : this.#newConnection();
  }

  get sessionId(): bigint {
    return this.#sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#model.options.sessionTimeoutMs;
  }

  get isClosed(): boolean {
    return this.#isClosed;
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

  get(path: string, watch?: Watch): Promise<Znode> {
    const read = (tree: ZnodeTree) => {
      const znode = tree.get(path);
      if (znode === null) throw new ZooKeeperError("NO_NODE", `ZooKeeper answered NO_NODE to reading ${path}`);
      return { data: znode.data.slice(), stat: znode.stat };
    };
    return this.#read("data", path, watch, read);
  }

  exists(path: string, watch?: Watch): Promise<ZnodeStat | null> {
    const read = (tree: ZnodeTree) => tree.get(path)?.stat ?? null;
    return this.#read("data", path, watch, read);
  }

  children(path: string, watch?: Watch): Promise<readonly string[]> {
    const read = (tree: ZnodeTree) => {
      if (tree.get(path) === null) throw new ZooKeeperError("NO_NODE", `ZooKeeper answered NO_NODE to listing ${path}`);
      return tree.children(path);
    };
    return this.#read("children", path, watch, read);
  }

  multi(operations: readonly ZnodeOperation[]): Promise<void> {
    return this.#call((connection) => {
      const fault = this.#fault("write");
      const sessionId = this.#sessionId;
      const commit = () => this.#commit(operations, sessionId);
      const request = connection.request(() => {
        if (fault === "expired") this.#refuseAndExpire(connection);
        if (fault === "moved") throw this.#refuseAsMoved(connection);
        if (fault !== "lost-request" && fault !== "late-request") commit();
        if (fault === "late-request") this.#later(() => refusedOrDone(commit));
        if (fault !== null && fault !== "stale-read") this.breakConnection();
      });
      return request;
    });
  }

  sync(_path: string): Promise<void> {
    return this.#call((connection) =>
      connection.request(() => {
        this.#model.options.onMessage?.("sync", 0);
        const fault = this.#fault("read");
        if (fault === "lost-request") this.breakConnection();
        if (fault === "expired") this.expire();
        if (fault === "moved") throw this.#refuseAsMoved(connection);
        this.#seenZxid = this.#model.tree.zxid;
      }),
    );
  }

  onSessionEvent(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#end();
    if (!this.#isExpired) this.#endSession();
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#end();
    if (!this.#isExpired) this.#letExpire();
  }

  /** The ensemble declares the session over. The client hears of it and goes on with a new one. */
  expire(): void {
    this.#disconnect();
    this.#endSession();
    if (!this.#isPartitioned && !this.#model.isDown) this.#reconnect();
  }

  /** Breaks the connection; the client finds another server at once. */
  breakConnection(): void {
    this.#disconnect();
    if (!this.#isPartitioned && !this.#model.isDown) queueMicrotask(() => this.#reconnect());
  }

  /** Cuts the client off from the ensemble: its session expires unless `heal` comes in time. */
  partition(): void {
    if (this.#isPartitioned) return;
    this.#isPartitioned = true;
    this.#disconnect();
    this.#letExpire();
  }

  heal(): void {
    if (!this.#isPartitioned) return;
    this.#isPartitioned = false;
    if (!this.#model.isDown) this.#reconnect();
  }

  /** @internal */
  serverLost(): void {
    this.#expiry?.cancel();
    this.#disconnect();
  }

  /** @internal */
  serverFound(): void {
    if (this.#isPartitioned || this.#isClosed) this.#letExpire();
    else this.#reconnect();
  }

  /** @internal Something was committed: tells whoever watches it. */
  changed(changes: readonly ZnodeChange[]): void {
    const connection = this.#connection;
    if (this.#isClosed || connection === null) return;
    connection.tell(() => {
      for (const { type, path } of changes) {
        this.#watches.fire({ type, path });
        if (type !== "dataChanged") this.#watches.fire({ type: "childrenChanged", path: parentOf(path) });
      }
    });
  }

  /** The session is over: the server says so to the write that comes, and closes the connection behind that. */
  #refuseAndExpire(connection: ModelConnection): void {
    this.#endSession();
    queueMicrotask(() => connection.tell(() => this.breakConnection()));
  }

  /** The server has nothing to do with the session any more, and closes the connection behind its answer. */
  #refuseAsMoved(connection: ModelConnection): ZooKeeperError {
    queueMicrotask(() => connection.tell(() => this.breakConnection()));
    return new ZooKeeperError("SESSION_MOVED", "Another server has the session");
  }

  /** A request of a session that is over is refused, on whatever connection it comes. */
  #commit(operations: readonly ZnodeOperation[], sessionId: bigint): void {
    if (this.#isExpired || this.#sessionId !== sessionId || this.#model.isDown)
      throw new ZooKeeperError("SESSION_EXPIRED", "The session is over");
    this.#model.options.onMessage?.("write", sizeOf(operations));
    this.#model.commit(operations, sessionId);
    this.#seenZxid = this.#model.tree.zxid;
  }

  /** The watch stands once the answer has arrived: only then the client knows that it is set. */
  #read<T>(
    kind: "data" | "children",
    path: string,
    watch: Watch | undefined,
    read: (tree: ZnodeTree) => T,
  ): Promise<T> {
    return this.#call((connection) => {
      const fault = this.#fault("read");
      return connection.request(
        () => {
          if (fault === "moved") throw this.#refuseAsMoved(connection);
          if (fault === "expired") this.expire();
          else if (fault !== null && fault !== "stale-read") this.breakConnection();
          // Nobody is there to hear the answer, nor of what would be watched.
          if (!connection.isOpen) throw unreachable();
          const tree = fault === "stale-read" ? this.#model.staleTree(this.#seenZxid) : this.#model.tree;
          this.#model.options.onMessage?.("read", tree.get(path)?.data.length ?? 0);
          if (tree.zxid > this.#seenZxid) this.#seenZxid = tree.zxid;
          // What happens while the lagging server catches up is an event for the watch that is set there.
          if (tree !== this.#model.tree) {
            queueMicrotask(() => connection.tell(() => this.#watches.fire({ type: "dataChanged", path })));
          }
          return read(tree);
        },
        () => this.#watches.add(kind, path, watch),
      );
    });
  }

  #call<T>(start: (connection: ModelConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ZooKeeperError("SESSION_EXPIRED", "The session was closed"));
    if (this.#connection !== null) return start(this.#connection);
    if (this.#isUnreachable) return Promise.reject(unreachable());
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ start: (connection) => resolve(start(connection)), reject });
    });
  }

  #fault(kind: "read" | "write"): ModelFault | null {
    return this.#model.options.fault?.(kind) ?? null;
  }

  #newConnection(): ModelConnection {
    const { runtime, latencyMs = () => 0 } = this.#model.options;
    return new ModelConnection({ runtime, latencyMs });
  }

  /** Calls wait for the next connection from now on, but not longer than a session lives. */
  #disconnect(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#connection = null;
    connection.break();
    if (this.#isClosed) return;
    this.#despair?.cancel();
    this.#despair = this.#later(() => this.#giveUpHope(), this.sessionTimeoutMs);
    this.#tell("disconnected");
    this.#watches.fireAll();
  }

  #giveUpHope(): void {
    this.#isUnreachable = true;
    this.#rejectWaiting(unreachable);
  }

  #reconnect(): void {
    if (this.#isClosed || this.#connection !== null || this.#model.isDown || this.#isPartitioned) return;
    this.#expiry?.cancel();
    this.#despair?.cancel();
    this.#isUnreachable = false;
    if (this.#isExpired) this.#beginAnew();
    const connection = this.#newConnection();
    this.#connection = connection;
    for (const call of this.#waiting.splice(0)) call.start(connection);
    this.#tell("connected");
  }

  #beginAnew(): void {
    this.#isExpired = false;
    this.#sessionId = NO_SESSION;
    this.#rejectWaiting(() => new ZooKeeperError("SESSION_EXPIRED", "The session expired"));
    this.#tell("expired");
    this.#sessionId = this.#model.newSessionId();
  }

  #letExpire(): void {
    this.#expiry?.cancel();
    this.#expiry = this.#later(() => this.#endSession(), this.sessionTimeoutMs);
  }

  #endSession(): void {
    if (this.#isExpired || this.#model.isDown) return;
    this.#isExpired = true;
    this.#model.endSession(this, this.#sessionId);
  }

  #end(): void {
    this.#isClosed = true;
    this.#expiry?.cancel();
    this.#despair?.cancel();
    this.#connection?.break();
    this.#connection = null;
    this.#rejectWaiting(() => new ZooKeeperError("SESSION_EXPIRED", "The session was closed"));
  }

  #rejectWaiting(error: () => ZooKeeperError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error());
  }

  #later(action: () => unknown, delayMs = 1): Timer {
    return this.#model.options.runtime.timers.schedule(delayMs, () => void action());
  }

  #tell(event: SessionEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function unreachable(): ZooKeeperError {
  return new ZooKeeperError("CONNECTION_LOSS", "No ZooKeeper server could be reached");
}

/** What a late request comes to is for nobody to hear. */
function refusedOrDone(commit: () => void): void {
  try {
    commit();
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error;
  }
}

function sizeOf(operations: readonly ZnodeOperation[]): number {
  return operations.reduce((sum, operation) => sum + ("data" in operation ? operation.data.length : 0), 0);
}
