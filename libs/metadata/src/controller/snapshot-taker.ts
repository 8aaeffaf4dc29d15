import type { Runtime } from "@ottla/runtime";
import { inTurns } from "@ottla/runtime/internal";
import { recordsOf } from "../image/image-records.ts";
import type { MetadataImage } from "../image/metadata-image.ts";
import { type LogHead, type MetadataLog, RECORD_OVERHEAD_BYTES_MAX } from "../log/metadata-log.ts";
import { serializing } from "./serializing.ts";

/**
 * Entries after which a snapshot is taken, however small they are: a znode each, in ZooKeeper. Ten thousand of them are
 * listed within 50 ms, removed within seconds, and read by a broker that starts within a second or two; 20 MB of small
 * changes are twenty times as many.
 */
const SNAPSHOT_INTERVAL_ENTRIES = 10_000;

export interface SnapshotTakerOptions {
  readonly log: MetadataLog;
  readonly runtime: Runtime;
  /** Bytes of records after which a snapshot is taken (`metadata.log.max.record.bytes.between.snapshots`). */
  readonly snapshotIntervalBytes: number;
  /** Entries after which one is taken, whatever is in them. Default: 10,000. */
  readonly snapshotIntervalEntries?: number;
}

/** Takes a snapshot of the metadata when enough lies behind the last one. The controller goes on deciding meanwhile. */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  /** What lies behind the snapshot, or somewhat more. */
  #entries = 0;
  #sizeBytes = 0;
  #taking: Promise<void> | null = null;

  constructor(options: SnapshotTakerOptions) {
    this.#options = options;
  }

  /**
   * Others have appended before: what they have left is counted as entries of one small record each. That is too many
   * rather than too few, so that controllers that change often do not let the log grow for ever.
   */
  begin({ endOffset, logStartOffset }: LogHead): void {
    this.#entries = endOffset - logStartOffset;
    this.#sizeBytes = this.#entries * RECORD_OVERHEAD_BYTES_MAX;
  }

  /** Counts what was appended, which the image is the last of, and takes a snapshot of that where one is due. */
  appended(entries: number, sizeBytes: number, image: MetadataImage): void {
    this.#entries += entries;
    this.#sizeBytes += sizeBytes;
    const { snapshotIntervalBytes, snapshotIntervalEntries = SNAPSHOT_INTERVAL_ENTRIES } = this.#options;
    const isDue = this.#sizeBytes >= snapshotIntervalBytes || this.#entries >= snapshotIntervalEntries;
    if (!isDue || this.#taking !== null) return;
    this.#entries = 0;
    this.#sizeBytes = 0;
    this.#taking = this.#take(image).finally(() => {
      this.#taking = null;
    });
  }

  /** Resolves when no snapshot is being taken. */
  async settled(): Promise<void> {
    await this.#taking;
  }

  async #take(image: MetadataImage): Promise<void> {
    const { log, runtime } = this.#options;
    try {
      const records = await inTurns(serializing(recordsOf(image)), runtime.timers);
      await log.storeSnapshot({ endOffset: image.offset + 1, epoch: image.epoch, records });
    } catch (error) {
      runtime.logger.warn("no snapshot of the metadata could be taken", { err: error });
    }
  }
}
