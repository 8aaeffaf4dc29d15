import { lastOffsetAt } from "@ottla/protocol/internal";
import { CachedFile } from "../files/file-cache.ts";
import {
  joinPath,
  LOG_SUFFIX,
  offsetFileName,
  offsetOfFileName,
  SEGMENT_SUFFIXES,
  SWAP_SUFFIX,
} from "../files/names.ts";
import type { LogEnvironment } from "../log/log-state.ts";
import { scanBatches } from "../segments/batch-scanner.ts";

/**
 * Ends what a crash has interrupted in {@link swapSegments}, before a log is opened. `names` are those in the log's
 * directory, and are kept what they are.
 */
export async function finishSwaps(env: LogEnvironment, directory: string, names: Set<string>): Promise<void> {
  for (const name of [...names]) {
    const baseOffset = offsetOfFileName(name, LOG_SUFFIX + SWAP_SUFFIX);
    if (baseOffset !== null) await new Swap(env, directory, names).finish(baseOffset);
  }
  for (const name of [...names].filter((name) => name.endsWith(SWAP_SUFFIX))) {
    await env.disk.remove(joinPath(directory, name));
    names.delete(name);
  }
}

class Swap {
  readonly #env: LogEnvironment;
  readonly #directory: string;
  readonly #names: Set<string>;

  constructor(env: LogEnvironment, directory: string, names: Set<string>) {
    this.#env = env;
    this.#directory = directory;
    this.#names = names;
  }

  async finish(baseOffset: number): Promise<void> {
    const [log, ...indexes] = SEGMENT_SUFFIXES.map((suffix) => offsetFileName(baseOffset, suffix));
    const endOffset = await this.#endOffset(log! + SWAP_SUFFIX, baseOffset);
    await this.#removeSources(baseOffset, endOffset);
    for (const index of indexes) if (this.#names.has(index + SWAP_SUFFIX)) await this.#putInPlace(index);
    await this.#env.disk.syncDirectory(this.#directory);
    await this.#putInPlace(log!);
    await this.#env.disk.syncDirectory(this.#directory);
  }

  /** The segments that it was made from, but the first: that one has its name, and is replaced. */
  async #removeSources(baseOffset: number, endOffset: number): Promise<void> {
    for (const name of [...this.#names]) {
      const sourceOffset = SEGMENT_SUFFIXES.map((suffix) => offsetOfFileName(name, suffix)).find((one) => one !== null);
      if (sourceOffset == null || sourceOffset <= baseOffset || sourceOffset >= endOffset) continue;
      await this.#env.disk.remove(joinPath(this.#directory, name));
      this.#names.delete(name);
    }
  }

  async #putInPlace(name: string): Promise<void> {
    await this.#env.disk.rename(joinPath(this.#directory, name + SWAP_SUFFIX), joinPath(this.#directory, name));
    this.#names.delete(name + SWAP_SUFFIX);
    this.#names.add(name);
  }

  async #endOffset(name: string, baseOffset: number): Promise<number> {
    const { disk, files, pool } = this.#env;
    const path = joinPath(this.#directory, name);
    const log = new CachedFile(files, path);
    let endOffset = baseOffset;
    await scanBatches(log, pool, 0, (await disk.stat(path))?.sizeBytes ?? 0, (bytes, position) => {
      endOffset = lastOffsetAt(bytes, position) + 1;
      return true;
    });
    await log.close();
    return endOffset;
  }
}
