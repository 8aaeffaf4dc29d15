import { DiskError } from "./disk.ts";

/** Every page but the last has this size; the last one grows by doubling, so that a tiny file stays tiny. */
const PAGE_BYTES = 64 * 1024;
const FIRST_PAGE_BYTES = 256;

/** Counts the memory that a disk's files hold, and refuses to grow past its capacity. */
export class MemoryBudget {
  readonly capacityBytes: number;
  usedBytes = 0;

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  take(sizeBytes: number, path: string): void {
    if (this.usedBytes + sizeBytes > this.capacityBytes) {
      throw new DiskError("NO_SPACE", path, `no space left on the memory disk (${this.capacityBytes} bytes): ${path}`);
    }
    this.usedBytes += sizeBytes;
  }

  giveBack(sizeBytes: number): void {
    this.usedBytes -= sizeBytes;
  }
}

/**
 * The content of one file in memory: a table of pages. Growing never copies more than one page.
 * Invariant: bytes of the pages past `sizeBytes` are zero, so that a file extended by a write past its end reads zeros.
 */
export class MemoryContent {
  sizeBytes = 0;
  readonly #budget: MemoryBudget;
  readonly #pages: Uint8Array[] = [];

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  read(target: Uint8Array, position: number): number {
    const end = Math.min(position + target.length, this.sizeBytes);
    for (let at = position; at < end; ) {
      const page = this.#pages[Math.floor(at / PAGE_BYTES)]!;
      const from = at % PAGE_BYTES;
      const length = Math.min(page.length - from, end - at);
      target.set(page.subarray(from, from + length), at - position);
      at += length;
    }
    return Math.max(0, end - position);
  }

  write(chunk: Uint8Array, position: number, path: string): void {
    this.#ensureCapacity(position + chunk.length, path);
    for (let done = 0; done < chunk.length; ) {
      const at = position + done;
      const page = this.#pages[Math.floor(at / PAGE_BYTES)]!;
      const from = at % PAGE_BYTES;
      const length = Math.min(page.length - from, chunk.length - done);
      page.set(chunk.subarray(done, done + length), from);
      done += length;
    }
    this.sizeBytes = Math.max(this.sizeBytes, position + chunk.length);
  }

  truncate(sizeBytes: number, path: string): void {
    if (sizeBytes > this.sizeBytes) this.#ensureCapacity(sizeBytes, path);
    else this.#shrink(sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  /** Gives all memory back. */
  free(): void {
    this.#shrink(0);
    this.sizeBytes = 0;
  }

  #shrink(sizeBytes: number): void {
    const pagesKept = Math.ceil(sizeBytes / PAGE_BYTES);
    for (const page of this.#pages.splice(pagesKept)) this.#budget.giveBack(page.length);
    const last = this.#pages[pagesKept - 1];
    last?.fill(0, sizeBytes - (pagesKept - 1) * PAGE_BYTES);
  }

  #ensureCapacity(sizeBytes: number, path: string): void {
    const pagesNeeded = Math.ceil(sizeBytes / PAGE_BYTES);
    for (let i = Math.max(0, this.#pages.length - 1); i < pagesNeeded; i++) {
      const isLast = i === pagesNeeded - 1;
      this.#growPage(i, isLast ? sizeBytes - i * PAGE_BYTES : PAGE_BYTES, path);
    }
  }

  #growPage(index: number, neededBytes: number, path: string): void {
    const page = this.#pages[index];
    if (page !== undefined && page.length >= neededBytes) return;
    let sizeBytes = Math.max(page?.length ?? 0, FIRST_PAGE_BYTES);
    while (sizeBytes < neededBytes) sizeBytes *= 2;
    this.#budget.take(sizeBytes - (page?.length ?? 0), path);
    const grown = new Uint8Array(sizeBytes);
    if (page !== undefined) grown.set(page);
    this.#pages[index] = grown;
  }
}
