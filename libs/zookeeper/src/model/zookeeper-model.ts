import type { Runtime } from "@ottla/runtime";
import type { ZnodeOperation } from "../zookeeper.ts";
import { ModelSession } from "./model-session.ts";
import { type ZnodeChange, ZnodeTree } from "./znode-tree.ts";

/** What befalls one operation on its way. */
export type ModelFault =
  /** The connection breaks before the request arrives. */
  | "lost-request"
  /** The connection breaks after the operation was done. */
  | "lost-answer"
  /** The connection breaks, and the request arrives later. */
  | "late-request"
  /** A read is answered by a server that lags behind (but not behind what this session has seen). */
  | "stale-read"
  /** The session ends before the request arrives: a write is refused, and the connection breaks. */
  | "expired"
  /** Another server has the session by now: the request is refused, and the connection breaks. */
  | "moved";

/** Something that was done. */
export interface ModelCommit {
  readonly tree: ZnodeTree;
  readonly changes: readonly ZnodeChange[];
  readonly sessionId: bigint;
}

export interface ZooKeeperModelOptions {
  readonly runtime: Runtime;
  readonly sessionTimeoutMs: number;
  /** Asked for every operation; null: it goes well. */
  readonly fault?: (kind: "read" | "write") => ModelFault | null;
  /** How long a message takes one way, in milliseconds of the runtime's time. Default: 0. */
  readonly latencyMs?: () => number;
  /** Told of everything that is done, as it is done. */
  readonly onCommit?: (commit: ModelCommit) => void;
  /** Told of every request that a server takes, and of every hint that it sends, with the bytes of data in it. */
  readonly onMessage?: (kind: "read" | "write" | "sync" | "watch", sizeBytes: number) => void;
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
  #isDown = false;

  constructor(options: ZooKeeperModelOptions) {
    this.options = options;
  }

  /** A client with a session of its own. */
  connect(): ModelSession {
    const session = new ModelSession(this);
    this.#sessions.add(session);
    return session;
  }

  get tree(): ZnodeTree {
    return this.#history.at(-1)!;
  }

  /** Whether there is no quorum at present: nobody is served, and no session expires. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /**
   * Takes the ensemble, or the server that leads it, away: every connection breaks, and until {@link recover} nobody is
   * served. A new leader gives every session its whole time again, as the real one does.
   */
  fail(): void {
    this.#isDown = true;
    for (const session of this.#sessions) session.serverLost();
  }

  recover(): void {
    this.#isDown = false;
    for (const session of this.#sessions) session.serverFound();
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
    this.options.onCommit?.({ tree, changes, sessionId });
    for (const session of this.#sessions) session.changed(changes);
  }

  /** @internal Takes a session's ephemeral znodes away. */
  endSession(session: ModelSession, sessionId: bigint): void {
    for (const path of this.tree.ephemeralsOf(sessionId))
      this.commit([{ type: "remove", path, version: -1 }], sessionId);
    if (session.isClosed) this.#sessions.delete(session);
  }
}
