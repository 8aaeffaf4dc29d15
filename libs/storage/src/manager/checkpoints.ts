import type { Disk } from "@ottla/runtime";
import {
  type PartitionOffsets,
  partitionKey,
  readOffsetCheckpoint,
  writeOffsetCheckpoint,
} from "../files/checkpoint-file.ts";
import {
  CLEANER_CHECKPOINT,
  HIGH_WATERMARK_CHECKPOINT,
  joinPath,
  LOG_START_CHECKPOINT,
  RECOVERY_POINT_CHECKPOINT,
} from "../files/names.ts";
import { AsyncMutex } from "../log/async-mutex.ts";
import type { LoadHints } from "../log/log-loader.ts";
import type { SegmentedLog } from "../log/segmented-log.ts";
import { SharedRun } from "../log/shared-run.ts";

type Kind = "recoveryPoint" | "highWatermark" | "logStartOffset" | "cleanedEndOffset";

const FILE_NAMES: Readonly<Record<Kind, string>> = {
  recoveryPoint: RECOVERY_POINT_CHECKPOINT,
  highWatermark: HIGH_WATERMARK_CHECKPOINT,
  logStartOffset: LOG_START_CHECKPOINT,
  cleanedEndOffset: CLEANER_CHECKPOINT,
};

/** The offsets of all logs of a directory that outlive a stop. Files are written when their content has changed. */
export class Checkpoints {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #writing = new AsyncMutex();
  /** Logs that are about to be made. */
  #forgotten: string[] = [];
  readonly #forgetting = new SharedRun(() => this.#writing.run(() => this.#forget()));
  readonly #saved: Record<Kind, PartitionOffsets> = {
    recoveryPoint: new Map(),
    highWatermark: new Map(),
    logStartOffset: new Map(),
    cleanedEndOffset: new Map(),
  };

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  async load(): Promise<void> {
    for (const kind of Object.keys(FILE_NAMES) as Kind[]) {
      this.#saved[kind] = await readOffsetCheckpoint(this.#disk, this.#path(kind));
    }
  }

  /** Whether the log's topic id, and its own name, were on the disk when this was written: whatever crash has come since. */
  isIdentitySynced(topic: string, partition: number): boolean {
    return this.#saved.recoveryPoint.has(partitionKey(topic, partition));
  }

  /** Of a log that is not named here nothing is known: it was made after the last stop, or could not be made whole. */
  hintsFor(topic: string, partition: number, isCleanStop: boolean): LoadHints {
    const key = partitionKey(topic, partition);
    const isIdentitySynced = this.isIdentitySynced(topic, partition);
    return {
      isNewDirectory: false,
      isIdentitySynced,
      isCleanStop: isCleanStop && isIdentitySynced,
      recoveryPoint: this.#saved.recoveryPoint.get(key) ?? 0,
      highWatermark: this.#saved.highWatermark.get(key) ?? 0,
      logStartOffset: this.#saved.logStartOffset.get(key) ?? 0,
      cleanedEndOffset: this.#saved.cleanedEndOffset.get(key) ?? 0,
    };
  }

  /**
   * Takes back what the checkpoint promises of one log, before anything is changed where that was. What it says of the
   * others stays, for they may not be open yet.
   */
  lowerRecoveryPoint(topic: string, partition: number, offset: number): Promise<void> {
    return this.#writing.run(async () => {
      const key = partitionKey(topic, partition);
      if (this.#saved.recoveryPoint.get(key) === offset) return;
      const offsets = new Map(this.#saved.recoveryPoint).set(key, offset);
      await writeOffsetCheckpoint(this.#disk, this.#path("recoveryPoint"), offsets);
      this.#saved.recoveryPoint = offsets;
    });
  }

  /** Takes back all that is said of a log that is about to be made: it was another one's, of the same name. */
  forget(topic: string, partition: number): Promise<void> {
    this.#forgotten.push(partitionKey(topic, partition));
    return this.#forgetting.run();
  }

  save(kind: Kind, logs: Iterable<SegmentedLog>): Promise<void> {
    return this.#writing.run(async () => {
      const offsets = new Map<string, number>();
      for (const log of logs) {
        // As in Kafka: a start offset that the first segment's name says already is not repeated.
        if (kind === "logStartOffset" && !log.needsStartCheckpoint) continue;
        // That a log is named says that its topic id is on the disk, too.
        if (kind === "recoveryPoint" && log.isIdentityUnsynced) continue;
        if (kind === "cleanedEndOffset" && log.cleanedEndOffset === 0) continue;
        offsets.set(partitionKey(log.topic, log.partition), log[kind]);
      }
      if (isSame(offsets, this.#saved[kind])) return;
      await writeOffsetCheckpoint(this.#disk, this.#path(kind), offsets);
      this.#saved[kind] = offsets;
    });
  }

  async saveAll(logs: () => Iterable<SegmentedLog>): Promise<void> {
    for (const kind of Object.keys(FILE_NAMES) as Kind[]) await this.save(kind, logs());
  }

  async #forget(): Promise<void> {
    const keys = this.#forgotten;
    this.#forgotten = [];
    for (const kind of Object.keys(FILE_NAMES) as Kind[]) {
      const known = keys.filter((key) => this.#saved[kind].has(key));
      if (known.length === 0) continue;
      const offsets = new Map(this.#saved[kind]);
      for (const key of known) offsets.delete(key);
      await writeOffsetCheckpoint(this.#disk, this.#path(kind), offsets);
      this.#saved[kind] = offsets;
    }
  }

  #path(kind: Kind): string {
    return joinPath(this.#directory, FILE_NAMES[kind]);
  }
}

function isSame(a: PartitionOffsets, b: PartitionOffsets): boolean {
  if (a.size !== b.size) return false;
  for (const [key, offset] of a) if (b.get(key) !== offset) return false;
  return true;
}
