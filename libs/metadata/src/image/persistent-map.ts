/**
 * An immutable map with string keys. `set` and `delete` give a new map that shares all but the path to the changed
 * key, so that one change in a cluster of 10,000 topics costs a handful of small copies, and so that the difference
 * between two maps is found without looking at what they share.
 *
 * It is a hash trie of fixed fan-out. Iteration order depends on the keys alone, not on the order of changes.
 */
export class PersistentMap<Value> implements Iterable<readonly [string, Value]> {
  static readonly #empty = new PersistentMap<never>(null, 0);

  readonly size: number;
  readonly #root: TrieNode<Value> | null;

  private constructor(root: TrieNode<Value> | null, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<Value>(): PersistentMap<Value> {
    return PersistentMap.#empty as PersistentMap<Value>;
  }

  static from<Value>(entries: Iterable<readonly [string, Value]>): PersistentMap<Value> {
    let map = PersistentMap.empty<Value>();
    for (const [key, value] of entries) map = map.set(key, value as NonNullable<Value>);
    return map;
  }

  get(key: string): Value | undefined {
    const hash = hashOf(key);
    let node = this.#root;
    for (let shift = 0; node !== null; shift += BITS) {
      if (node.kind === "leaf") return node.entries.find((entry) => entry[0] === key)?.[1];
      node = node.children[(hash >>> shift) & MASK] ?? null;
    }
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, value: NonNullable<Value>): PersistentMap<Value> {
    const grown = this.has(key) ? this.size : this.size + 1;
    return new PersistentMap(insert(this.#root, hashOf(key), key, value as Value, 0), grown);
  }

  delete(key: string): PersistentMap<Value> {
    if (!this.has(key)) return this;
    return new PersistentMap(without(this.#root, hashOf(key), key, 0), this.size - 1);
  }

  *entries(): IterableIterator<readonly [string, Value]> {
    yield* entriesOf(this.#root);
  }

  *keys(): IterableIterator<string> {
    for (const entry of entriesOf(this.#root)) yield entry[0];
  }

  *values(): IterableIterator<Value> {
    for (const entry of entriesOf(this.#root)) yield entry[1];
  }

  [Symbol.iterator](): IterableIterator<readonly [string, Value]> {
    return this.entries();
  }

  /** The keys whose values are not the same object in both maps: added, removed or replaced. */
  *changedKeys(next: PersistentMap<Value>): IterableIterator<string> {
    yield* changedKeysOf(this.#root, next.#root);
  }
}

interface Leaf<Value> {
  readonly kind: "leaf";
  readonly hash: number;
  readonly entries: readonly (readonly [string, Value])[];
}

interface Branch<Value> {
  readonly kind: "branch";
  readonly children: readonly (TrieNode<Value> | null)[];
}

type TrieNode<Value> = Leaf<Value> | Branch<Value>;

const BITS = 4;
const FAN_OUT = 1 << BITS;
const MASK = FAN_OUT - 1;

/** FNV-1a over UTF-16 code units, finished with a mixing step so that the low bits differ too. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x85ebca6b) >>> 0;
}

function insert<Value>(
  node: TrieNode<Value> | null,
  hash: number,
  key: string,
  value: Value,
  shift: number,
): TrieNode<Value> {
  if (node === null) return { kind: "leaf", hash, entries: [[key, value]] };
  if (node.kind === "leaf" && node.hash === hash) {
    const others = node.entries.filter((entry) => entry[0] !== key);
    return { kind: "leaf", hash, entries: [...others, [key, value]] };
  }
  const branch = node.kind === "leaf" ? split(node, shift) : node;
  const slot = (hash >>> shift) & MASK;
  return withChild(branch, slot, insert(branch.children[slot] ?? null, hash, key, value, shift + BITS));
}

function split<Value>(leaf: Leaf<Value>, shift: number): Branch<Value> {
  const children: (TrieNode<Value> | null)[] = new Array(FAN_OUT).fill(null);
  children[(leaf.hash >>> shift) & MASK] = leaf;
  return { kind: "branch", children };
}

function withChild<Value>(branch: Branch<Value>, slot: number, child: TrieNode<Value> | null): Branch<Value> {
  const children = branch.children.slice();
  children[slot] = child;
  return { kind: "branch", children };
}

/** Removal keeps the trie canonical: a branch over a single leaf becomes that leaf again. */
function without<Value>(
  node: TrieNode<Value> | null,
  hash: number,
  key: string,
  shift: number,
): TrieNode<Value> | null {
  if (node === null) return null;
  if (node.kind === "leaf") {
    const entries = node.entries.filter((entry) => entry[0] !== key);
    return entries.length === 0 ? null : { ...node, entries };
  }
  const slot = (hash >>> shift) & MASK;
  const smaller = withChild(node, slot, without(node.children[slot] ?? null, hash, key, shift + BITS));
  const left = smaller.children.filter((child) => child !== null);
  if (left.length === 0) return null;
  return left.length === 1 && left[0]!.kind === "leaf" ? left[0]! : smaller;
}

function* entriesOf<Value>(node: TrieNode<Value> | null): IterableIterator<readonly [string, Value]> {
  if (node === null) return;
  if (node.kind === "leaf") yield* node.entries;
  else for (const child of node.children) yield* entriesOf(child);
}

function* changedKeysOf<Value>(
  before: TrieNode<Value> | null,
  after: TrieNode<Value> | null,
): IterableIterator<string> {
  if (before === after) return;
  if (before?.kind === "branch" && after?.kind === "branch") {
    for (let slot = 0; slot < FAN_OUT; slot++) {
      yield* changedKeysOf(before.children[slot] ?? null, after.children[slot] ?? null);
    }
    return;
  }
  const old = new Map(entriesOf(before));
  for (const [key, value] of entriesOf(after)) {
    if (old.get(key) !== value) yield key;
    old.delete(key);
  }
  yield* old.keys();
}
