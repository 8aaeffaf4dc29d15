import type { CallOptions } from "@ottla/client";

/** How far a call on many resources has come. */
export interface Progress {
  /** Resources that are done with, well or not. */
  readonly completed: number;
  /** Resources that the call is about. */
  readonly total: number;
}

/** Options of calls on many resources, which take several requests where there are many. */
export interface BulkOptions extends CallOptions {
  /** Called after each request that is answered. */
  readonly onProgress?: (progress: Progress) => void;
}

/** The most requests of one call that are under way at a time. */
const CONCURRENCY_MAX = 32;

/**
 * What `visit` gives for each item, in their order; a bounded number of them at a time. The first one that throws ends
 * it: no further item is begun.
 */
export async function mapAll<Item, Result>(
  items: readonly Item[],
  onProgress: BulkOptions["onProgress"],
  visit: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  let begun = 0;
  let completed = 0;
  const worker = async () => {
    while (begun < items.length) {
      const index = begun++;
      try {
        results[index] = await visit(items[index]!);
      } catch (error) {
        begun = items.length;
        throw error;
      }
      onProgress?.({ completed: ++completed, total: items.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY_MAX, items.length) }, worker));
  return results;
}

/** The most resources of one request, where requests take any number: the controller's own limits are not far above. */
const CHUNK_ITEMS_MAX = 500;

/** What `visit` gives for the items, a limited number of them at a time, one after the other. */
export async function inChunks<Item, Result>(
  items: readonly Item[],
  onProgress: BulkOptions["onProgress"],
  visit: (chunk: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += CHUNK_ITEMS_MAX) {
    const chunk = items.slice(start, start + CHUNK_ITEMS_MAX);
    results.push(...(await visit(chunk)));
    onProgress?.({ completed: start + chunk.length, total: items.length });
  }
  return results;
}
