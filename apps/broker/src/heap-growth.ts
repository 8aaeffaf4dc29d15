import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";

const MIB = 1024 * 1024;

/** What may be allocated between two major collections, where the heap is small. */
const ALLOWANCE_BYTES = 24 * MIB;
/** A heap that has just begun is about to grow by itself. */
const PERCENT_MAX = 400;
/** Below this V8's own rule is at least as generous. */
const PERCENT_MIN = 50;
const V8_DECIDES = 0;

/**
 * Has V8 wait with its next major collection until {@link ALLOWANCE_BYTES} more are allocated.
 *
 * V8 counts the memory of array buffers as growth of its heap, and lets a small heap grow by 8 MiB or so. A broker's heap is
 * small, while all that its clients send comes in buffers: it marked its heap for every 10 MB produced, half of what it did
 * in all.
 */
export class HeapGrowth {
  readonly #observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isMajor)) this.#apply();
  });

  readonly #setFlag: (flag: string) => void;

  /** @param setFlag takes a flag of V8, for the whole process */
  constructor(setFlag: (flag: string) => void = setFlagsFromString) {
    this.#setFlag = setFlag;
    this.#apply();
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Leaves it to V8 again. */
  close(): void {
    this.#observer.disconnect();
    this.#set(V8_DECIDES);
  }

  /** V8 looks at it at the end of a collection: what holds now is for the next one. */
  #apply(): void {
    this.#set(growthPercent(getHeapStatistics().used_heap_size));
  }

  #set(percent: number): void {
    this.#setFlag(`--heap-growing-percent=${percent}`);
  }
}

/** By how much of itself a heap of this size may grow; 0 where V8 is to decide. */
export function growthPercent(heapBytes: number): number {
  const percent = Math.round((100 * ALLOWANCE_BYTES) / heapBytes);
  return percent < PERCENT_MIN ? V8_DECIDES : Math.min(percent, PERCENT_MAX);
}

function isMajor(entry: PerformanceEntry): boolean {
  const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
