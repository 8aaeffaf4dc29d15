import { concatBytes, ErrorCode, encodeRecordBatch, KafkaError, type Uuid } from "@ottla/protocol";
import type { Clock, Disk } from "@ottla/runtime";
import type { PartitionLog } from "@ottla/storage";
import { Listeners } from "./listeners.ts";
import { LocalSnapshots } from "./local-snapshots.ts";
import type {
  AppendOutcome,
  BrokerAnnouncement,
  BrokerLiveness,
  ControllerElection,
  ControllerTerm,
  LogHead,
  LogSlice,
  MetadataAppend,
  MetadataLog,
  MetadataSnapshot,
} from "./metadata-log.ts";
import { readEntries } from "./read-entries.ts";

/** Kafka's id of the topic `__cluster_metadata`. */
export const METADATA_TOPIC_ID: Uuid = "AAAAAAAAAAAAAAAAAAAAAQ";

/** As in KRaft. */
const APPEND_BYTES_MAX = 8 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

export interface LocalMetadataLogOptions {
  /** Partition 0 of `__cluster_metadata`, open, and this object's alone. */
  readonly log: PartitionLog;
  readonly disk: Disk;
  /** The directory of that partition: snapshots go there. */
  readonly directory: string;
  readonly clock: Clock;
}

/**
 * The metadata log of a broker on its own, in its own data directory. The only broker there is is the controller, and
 * alive as long as it runs.
 */
export class LocalMetadataLog implements MetadataLog {
  readonly appendBytesMax = APPEND_BYTES_MAX;
  readonly election: ControllerElection;
  readonly liveness: BrokerLiveness;
  readonly #log: PartitionLog;
  readonly #clock: Clock;
  readonly #snapshots: LocalSnapshots;
  readonly #headMoved = new Listeners();
  readonly #officeChanged = new Listeners();
  readonly #livenessChanged = new Listeners();
  readonly #lost = new Listeners();
  #term: ControllerTerm | null = null;
  #broker: BrokerAnnouncement | null = null;
  #lastAppend: { readonly id: Uuid; readonly endOffset: number } | null = null;

  constructor(options: LocalMetadataLogOptions) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#snapshots = new LocalSnapshots(options.disk, options.directory);
    this.#log.setHighWatermark(this.#log.logEndOffset);
    this.election = {
      claim: async (brokerId) => ({ kind: "won", controllerEpoch: this.#claim(brokerId).controllerEpoch }),
      current: async () => this.#term,
      resign: async (controllerEpoch) => this.#resign(controllerEpoch),
      onChange: (listener) => this.#officeChanged.add(listener),
    };
    this.liveness = {
      isInDoubt: false,
      announce: async (broker) => {
        this.#broker = broker;
        this.#livenessChanged.notify();
        return { kind: "done" };
      },
      withdraw: async () => this.#withdraw(),
      live: async () => (this.#broker === null ? [] : [this.#broker]),
      onChange: (listener) => this.#livenessChanged.add(listener),
      onLost: (listener) => this.#lost.add(listener),
    };
  }

  /** The data directory's `meta.properties` has it. */
  async clusterId(proposed: Uuid): Promise<Uuid> {
    return proposed;
  }

  /** It is what is adopted by others. */
  async adopt(): Promise<boolean> {
    return false;
  }

  async head(): Promise<LogHead> {
    const { logEndOffset, latestLeaderEpoch, logStartOffset } = this.#log;
    return { endOffset: logEndOffset, epoch: latestLeaderEpoch, logStartOffset };
  }

  async read(offset: number): Promise<LogSlice> {
    const { logStartOffset } = this.#log;
    if (offset < logStartOffset) return { kind: "trimmed", logStartOffset };
    if (offset >= this.#log.highWatermark) return { kind: "entries", entries: [] };
    const read = await this.#log.read(offset, { maxBytes: READ_BYTES, minOneBatch: true, limit: "highWatermark" });
    try {
      return { kind: "entries", entries: await readEntries(concatBytes(read.chunks)) };
    } finally {
      read.release();
    }
  }

  async append(append: MetadataAppend): Promise<AppendOutcome> {
    if (this.#lastAppend?.id === append.id) return { kind: "done", endOffset: this.#lastAppend.endOffset };
    const isCurrent = this.#term?.controllerEpoch === append.controllerEpoch;
    if (!isCurrent || this.#log.logEndOffset !== append.expectedOffset) return { kind: "not-controller" };
    try {
      const endOffset = await this.#appendBatch(append);
      this.#lastAppend = { id: append.id, endOffset };
    } catch (cause) {
      // Whatever became of it: this broker will not find out before its next start, and nothing else is appended.
      if (this.#log.isOffline) throw storageFailed();
      return { kind: "unknown", cause };
    }
    this.#headMoved.notify();
    return { kind: "done", endOffset: this.#log.logEndOffset };
  }

  loadSnapshot(): Promise<MetadataSnapshot | null> {
    return this.#snapshots.loadLatest();
  }

  async storeSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    await this.#snapshots.store(snapshot, this.#clock.nowMs());
    await this.#log.advanceLogStartOffset(snapshot.endOffset);
  }

  onHeadMoved(listener: () => void): () => void {
    return this.#headMoved.add(listener);
  }

  async close(): Promise<void> {
    await this.#log.flush();
    this.#term = null;
    this.#withdraw();
  }

  /** Written and synced: what the metadata says has happened must not be taken back by a power failure. */
  async #appendBatch({ records, controllerEpoch }: MetadataAppend): Promise<number> {
    const batch = encodeRecordBatch({
      records: records.map((value) => ({ value })),
      timestampMs: this.#clock.nowMs(),
    });
    const appended = this.#log.appendAsLeader(batch, { leaderEpoch: controllerEpoch, origin: "coordinator" });
    await appended.written;
    await this.#log.flush();
    const endOffset = appended.lastOffset + 1;
    this.#log.setHighWatermark(endOffset);
    return endOffset;
  }

  #claim(controllerId: number): ControllerTerm {
    this.#term ??= { controllerId, controllerEpoch: this.#log.latestLeaderEpoch + 1 };
    this.#officeChanged.notify();
    return this.#term;
  }

  #resign(controllerEpoch: number): void {
    if (this.#term?.controllerEpoch !== controllerEpoch) return;
    this.#term = null;
    this.#officeChanged.notify();
  }

  #withdraw(): void {
    if (this.#broker === null) return;
    this.#broker = null;
    this.#livenessChanged.notify();
  }
}

function storageFailed(): KafkaError {
  return KafkaError.fromCode(ErrorCode.KAFKA_STORAGE_ERROR, "The disk of the metadata log has failed.");
}
