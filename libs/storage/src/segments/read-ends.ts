/** So many readers of a segment, each at a place of its own, read on without the index. */
const READERS_MAX = 8;

/**
 * Where reads of a segment have ended: who reads on from there begins at a batch, with nothing else before it. The index
 * leads to a batch before that one at the best, and it is read once more then.
 */
export class ReadEnds {
  /** Positions by the offset that is read next, the newest last; null until the first read. */
  #positions: Map<number, number> | null = null;

  /** A read came to `position`, where a batch begins, or the file ends. Batches before it end before `offset`. */
  add(offset: number, position: number): void {
    this.#positions ??= new Map();
    this.#positions.delete(offset);
    this.#positions.set(offset, position);
    if (this.#positions.size > READERS_MAX) this.#positions.delete(this.#positions.keys().next().value!);
  }

  /** Undefined where no read is known to have ended before `offset`. */
  positionOf(offset: number): number | undefined {
    return this.#positions?.get(offset);
  }
}
