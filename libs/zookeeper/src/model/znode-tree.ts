import { ZooKeeperError, type ZooKeeperErrorCode } from "../errors.ts";
import type { Znode, ZnodeOperation } from "../zookeeper.ts";

interface ModelZnode {
  readonly data: Uint8Array;
  readonly version: number;
  readonly ephemeralOwner: bigint;
  readonly createdZxid: bigint;
}

/** What a committed operation did to one path. */
export interface ZnodeChange {
  readonly type: "created" | "deleted" | "dataChanged";
  readonly path: string;
}

/**
 * The znodes of a model ensemble at one moment. It never changes: an operation makes another tree, so that a server that
 * lags behind is one that still shows an old tree.
 */
export class ZnodeTree {
  static readonly EMPTY = new ZnodeTree(new Map(), 0n);
  readonly #znodes: ReadonlyMap<string, ModelZnode>;
  readonly zxid: bigint;

  private constructor(znodes: ReadonlyMap<string, ModelZnode>, zxid: bigint) {
    this.#znodes = znodes;
    this.zxid = zxid;
  }

  get(path: string): Znode | null {
    const found = this.#znodes.get(path);
    if (path === "/" && found === undefined) return this.#root();
    if (found === undefined) return null;
    const { data, version, ephemeralOwner, createdZxid } = found;
    const childrenCount = this.children(path).length;
    return { data, stat: { version, ephemeralOwner, createdZxid, childrenCount } };
  }

  children(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    const names: string[] = [];
    for (const other of this.#znodes.keys()) {
      if (other.startsWith(prefix) && !other.includes("/", prefix.length)) names.push(other.slice(prefix.length));
    }
    return names;
  }

  ephemeralsOf(sessionId: bigint): string[] {
    return [...this.#znodes].filter(([, { ephemeralOwner }]) => ephemeralOwner === sessionId).map(([path]) => path);
  }

  /** All of the operations on behalf of a session, or the error of the first that fails. */
  apply(operations: readonly ZnodeOperation[], sessionId: bigint): { tree: ZnodeTree; changes: ZnodeChange[] } {
    const zxid = this.zxid + 1n;
    const changes: ZnodeChange[] = [];
    let tree = new ZnodeTree(new Map(this.#znodes), zxid);
    operations.forEach((operation, index) => {
      const change = tree.#applyOne(operation, sessionId, index);
      tree = new ZnodeTree(tree.#znodes, zxid);
      if (change !== null) changes.push(change);
    });
    return { tree, changes };
  }

  #applyOne(operation: ZnodeOperation, sessionId: bigint, index: number): ZnodeChange | null {
    const znodes = this.#znodes as Map<string, ModelZnode>;
    const { path } = operation;
    const fail = (code: ZooKeeperErrorCode) => {
      throw new ZooKeeperError(code, `ZooKeeper answered ${code} to "${operation.type}" on ${path}`, {
        failedOperation: index,
      });
    };
    const existing = znodes.get(path);
    if (operation.type === "create") {
      if (existing !== undefined) fail("NODE_EXISTS");
      this.#checkParent(path, fail);
      const ephemeralOwner = operation.ephemeral ? sessionId : 0n;
      znodes.set(path, { data: operation.data.slice(), version: 0, ephemeralOwner, createdZxid: this.zxid });
      return { type: "created", path };
    }
    if (existing === undefined) return fail("NO_NODE") as never;
    if (operation.version !== -1 && operation.version !== existing.version) fail("BAD_VERSION");
    if (operation.type === "check") return null;
    if (operation.type === "set") {
      znodes.set(path, { ...existing, data: operation.data.slice(), version: existing.version + 1 });
      return { type: "dataChanged", path };
    }
    if (this.children(path).length > 0) fail("NOT_EMPTY");
    znodes.delete(path);
    return { type: "deleted", path };
  }

  #checkParent(path: string, fail: (code: ZooKeeperErrorCode) => void): void {
    const parent = parentOf(path);
    if (parent === "/") return;
    const znode = this.#znodes.get(parent);
    if (znode === undefined) fail("NO_NODE");
    else if (znode.ephemeralOwner !== 0n) fail("NO_CHILDREN_FOR_EPHEMERALS");
  }

  #root(): Znode {
    const stat = { version: 0, ephemeralOwner: 0n, createdZxid: 0n, childrenCount: this.children("/").length };
    return { data: new Uint8Array(0), stat };
  }
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
