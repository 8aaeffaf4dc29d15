import { hash128 } from "./key-hash.ts";

/** A key's hash (16 bytes) and its offset (8). */
export const OFFSET_MAP_ENTRY_BYTES = 24;

const EMPTY = -1;

/**
 * The latest offset of each key, in a fixed amount of memory: it knows keys by their hashes.
 * Invariant: at least one slot is free, so that every search ends.
 */
export class OffsetMap {
  /** Keys that fit. */
  readonly capacity: number;
  readonly #slots: number;
  readonly #seed: number;
  readonly #hashes: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #hash = new Uint32Array(4);
  #size = 0;

  /** @param capacity how many keys it takes; `loadFactor` of its slots may be used */
  constructor(capacity: number, loadFactor: number, seed: number) {
    this.capacity = Math.max(1, capacity);
    this.#slots = Math.ceil(this.capacity / loadFactor) + 1;
    this.#seed = seed;
    this.#hashes = new Uint32Array(4 * this.#slots);
    this.#offsets = new Float64Array(this.#slots).fill(EMPTY);
  }

  /** How many keys fit `memoryBytes` when no more than `loadFactor` of the slots are used. */
  static capacityIn(memoryBytes: number, loadFactor: number): number {
    return Math.max(1, Math.floor((Math.floor(memoryBytes / OFFSET_MAP_ENTRY_BYTES) - 1) * loadFactor));
  }

  get size(): number {
    return this.#size;
  }

  /** Sets the key's offset; false, and nothing changes, where the key is new and the map is full. */
  put(bytes: Uint8Array, start: number, length: number, offset: number): boolean {
    const slot = this.#find(bytes, start, length);
    if (this.#offsets[slot] === EMPTY) {
      if (this.#size === this.capacity) return false;
      this.#hashes.set(this.#hash, 4 * slot);
      this.#size++;
    }
    this.#offsets[slot] = offset;
    return true;
  }

  /** The key's offset, or -1. */
  get(bytes: Uint8Array, start: number, length: number): number {
    return this.#offsets[this.#find(bytes, start, length)]!;
  }

  /** The slot that has the key, or the free one where it belongs. Leaves the key's hash in `#hash`. */
  #find(bytes: Uint8Array, start: number, length: number): number {
    const hash = this.#hash;
    hash128(bytes, start, length, this.#seed, hash);
    let slot = hash[0]! % this.#slots;
    while (this.#offsets[slot] !== EMPTY && !this.#holds(slot, hash)) slot = slot + 1 === this.#slots ? 0 : slot + 1;
    return slot;
  }

  #holds(slot: number, hash: Uint32Array): boolean {
    const at = 4 * slot;
    const hashes = this.#hashes;
    return (
      hashes[at] === hash[0] && hashes[at + 1] === hash[1] && hashes[at + 2] === hash[2] && hashes[at + 3] === hash[3]
    );
  }
}
