import type { Timer } from "@ottla/runtime";
import type { Segment } from "../segments/segment.ts";
import type { LogState } from "./log-state.ts";

/**
 * Removes segments in Kafka's two steps: their files are renamed at once, so that a crash does not bring them back,
 * and removed after `file.delete.delay.ms`, so that those who read them can finish.
 */
export class SegmentDeleter {
  readonly #state: LogState;
  readonly #timers = new Set<Timer>();

  constructor(state: LogState) {
    this.#state = state;
  }

  /** Takes the segments out of the log. Their producer snapshots go with them. */
  async delete(segments: readonly Segment[]): Promise<void> {
    if (segments.length === 0) return;
    this.#state.segments.remove(segments);
    await this.#discard(segments, new Set(segments.map((segment) => segment.baseOffset)));
  }

  /** Removes segments that another one has taken the place of, which begins where the first of them did. */
  async deleteReplaced(sources: readonly Segment[]): Promise<void> {
    await this.#discard(sources, new Set(sources.slice(1).map((segment) => segment.baseOffset)));
  }

  async #discard(segments: readonly Segment[], snapshotOffsets: ReadonlySet<number>): Promise<void> {
    const { env, snapshots } = this.#state;
    const paths: string[] = [];
    for (const segment of segments) paths.push(...(await segment.markDeleted(env.disk)));
    await snapshots.removeWhere((offset) => snapshotOffsets.has(offset) && offset !== snapshots.latestOffset);
    // Deleted is deleted: the log start is not checkpointed any more where the first segment's name says it.
    await env.disk.syncDirectory(this.#state.identity.directory);
    this.#removeLater(segments, paths);
  }

  /** Files that still wait for their removal are found by the next start. */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #removeLater(segments: readonly Segment[], paths: readonly string[]): void {
    const { env, config } = this.#state;
    const timer = env.runtime.timers.schedule(config.fileDeleteDelayMs, () => {
      this.#timers.delete(timer);
      void this.#remove(segments, paths);
    });
    this.#timers.add(timer);
  }

  async #remove(segments: readonly Segment[], paths: readonly string[]): Promise<void> {
    try {
      await Promise.all(segments.map((segment) => segment.close()));
      for (const path of paths) await this.#state.env.disk.remove(path);
    } catch (error) {
      this.#state.logger.warn("the files of a deleted segment could not be removed", { error: String(error) });
    }
  }
}
