/** What ZooKeeper keeps of a znode besides its data. */
export interface ZnodeStat {
  /** How often the data was set: 0 for a new znode. What conditional operations name. */
  readonly version: number;
  /** The session that an ephemeral znode ends with; 0 for one that stays. */
  readonly ephemeralOwner: bigint;
  readonly childrenCount: number;
  /** The transaction that created the znode: another one for each incarnation of a path. */
  readonly createdZxid: bigint;
}

export interface Znode {
  readonly data: Uint8Array;
  readonly stat: ZnodeStat;
}

/** One part of a multi-operation. `version` -1 means any. */
export type ZnodeOperation =
  | { readonly type: "create"; readonly path: string; readonly data: Uint8Array; readonly ephemeral?: boolean }
  | { readonly type: "set"; readonly path: string; readonly data: Uint8Array; readonly version: number }
  | { readonly type: "remove"; readonly path: string; readonly version: number }
  | { readonly type: "check"; readonly path: string; readonly version: number };

/**
 * Called once, when what was read may have changed since, or when changes can have been missed (the connection broke).
 * A hint, never the truth: read again, with another watch. A call that fails has set none.
 */
export type Watch = () => void;

export type SessionEvent = "connected" | "disconnected" | "expired";

/**
 * A client's session with a ZooKeeper ensemble. The real client and the model of simulations both are one, and pass the
 * same conformance cases.
 *
 * Everything rejects with a ZooKeeperError. `CONNECTION_LOSS` leaves open whether the operation was done, now or later;
 * every other code says that it was not. While the connection is down, calls wait for the next one, for as long as the
 * session may live.
 */
export interface ZooKeeper {
  /** The present session, 0 before the first one. */
  readonly sessionId: bigint;
  /** How long the ensemble lets a silent session live. */
  readonly sessionTimeoutMs: number;

  /** Creates a znode; NODE_EXISTS, or NO_NODE without its parent. Ephemeral ones end with the session. */
  create(path: string, data: Uint8Array, options?: { readonly ephemeral?: boolean }): Promise<void>;
  /** A znode's data; NO_NODE where there is none (and no watch then). */
  get(path: string, watch?: Watch): Promise<Znode>;
  /** Null where there is no such znode; the watch then waits for it to appear. */
  exists(path: string, watch?: Watch): Promise<ZnodeStat | null>;
  /** The names of a znode's children, in no order. */
  children(path: string, watch?: Watch): Promise<readonly string[]>;
  /** Replaces a znode's data if it has this version (-1: any); BAD_VERSION otherwise. */
  set(path: string, data: Uint8Array, version: number): Promise<void>;
  /** Removes a znode if it has this version (-1: any) and no children. */
  remove(path: string, version: number): Promise<void>;
  /** All of the operations, or none of them. */
  multi(operations: readonly ZnodeOperation[]): Promise<void>;
  /** Reads that follow see everything that was done before this call, by anybody: other reads may lag behind. */
  sync(path: string): Promise<void>;

  /** Hears of the session's fate. After "expired" a new session is sought, without the ephemeral znodes of the old one. */
  onSessionEvent(listener: (event: SessionEvent) => void): () => void;
  /** Ends the session: its ephemeral znodes go at once. */
  close(): Promise<void>;
  /** Ends the connection without a goodbye, as a crash does: the session goes when its time is over. */
  destroy(): void;
}
