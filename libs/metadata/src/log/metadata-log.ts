import type { Uuid } from "@ottla/protocol";

/**
 * Where the cluster's metadata lives: an ordered log of records, one writer at a time, the election of that writer,
 * and who is alive. `local` keeps it in the broker's own data directory; ZooKeeper can keep it for many brokers.
 *
 * Every implementation passes the same contract suite (`@ottla/metadata/contract`).
 */
export interface MetadataLog {
  /** The most bytes that one append may take: its records' values, and {@link RECORD_OVERHEAD_BYTES_MAX} for each. */
  readonly appendBytesMax: number;
  readonly election: ControllerElection;
  readonly liveness: BrokerLiveness;

  /** The id of the cluster whose metadata this is. Where there is none yet, `proposed` becomes it. */
  clusterId(proposed: Uuid): Promise<Uuid>;

  /**
   * Begins an empty log with what a broker on its own had as its metadata: all or nothing. `origin` says whose it is.
   * Resolves to whether it begins with that: the same again is true again, anything else in the log is false.
   */
  adopt(snapshot: MetadataSnapshot, origin: Uuid): Promise<boolean>;

  /** Where the log ends now. Another broker may have moved it by the time this resolves. */
  head(): Promise<LogHead>;

  /**
   * The entries from `offset` on, as many as are at hand; none at the head.
   * Resolves to `trimmed` where the log no longer reaches back that far: load the snapshot, go on from its end.
   */
  read(offset: number): Promise<LogSlice>;

  /**
   * Appends records as one entry, all or none, if `controllerEpoch` is the current controller's and the log ends at
   * exactly `expectedOffset`. Records are durable when this resolves to `done`.
   *
   * After `unknown` the entry may be there, may yet come, or may never come. The caller repeats the *same* append
   * (same id) until it is told: an append that has been done once is `done` again and is not there twice.
   */
  append(append: MetadataAppend): Promise<AppendOutcome>;

  /** The latest snapshot, or null where none was taken. */
  loadSnapshot(): Promise<MetadataSnapshot | null>;

  /**
   * Keeps a snapshot and lets go of the entries before it. Only the controller takes snapshots. Appends may go on
   * meanwhile.
   */
  storeSnapshot(snapshot: MetadataSnapshot): Promise<void>;

  /** Called when the log may have grown. A hint: calls may be missing, late or needless; `read` tells the truth. */
  onHeadMoved(listener: () => void): () => void;

  close(): Promise<void>;
}

/** What a record takes in an entry besides its value, at the most; an entry's own header is no more than that. */
export const RECORD_OVERHEAD_BYTES_MAX = 64;

export interface LogHead {
  /** The offset after the last record. */
  readonly endOffset: number;
  /** The epoch in which the last record was written, or -1. */
  readonly epoch: number;
  /** Where the entries begin: the snapshot stands for what is below. */
  readonly logStartOffset: number;
}

/** What one append put into the log. */
export interface MetadataEntry {
  readonly baseOffset: number;
  /** The offset after the entry: entries that hold nothing for us (control records) take offsets too. */
  readonly endOffset: number;
  readonly epoch: number;
  /** Values of the records in Kafka's form (see `serializeRecord`), one offset each. */
  readonly records: readonly Uint8Array[];
  /** Where the log has it, for whoever has to mend it. */
  readonly where?: string;
}

export type LogSlice =
  | { readonly kind: "entries"; readonly entries: readonly MetadataEntry[] }
  | { readonly kind: "trimmed"; readonly logStartOffset: number };

export interface MetadataAppend {
  /** Unique for this append; the same when it is repeated. */
  readonly id: Uuid;
  readonly controllerEpoch: number;
  readonly expectedOffset: number;
  /** Values of the records in Kafka's form (see `serializeRecord`); together no more than `appendBytesMax` allows. */
  readonly records: readonly Uint8Array[];
}

export type AppendOutcome =
  | { readonly kind: "done"; readonly endOffset: number }
  /** Another controller has taken over, or has written since: nothing was appended, nor ever will be. */
  | { readonly kind: "not-controller" }
  /** The entry may be there, now or later: repeat the append. */
  | { readonly kind: "unknown"; readonly cause: unknown };

/** The whole metadata as records, up to an offset. */
export interface MetadataSnapshot {
  /** The offset after the last record that is in it. */
  readonly endOffset: number;
  /** The epoch of that record. */
  readonly epoch: number;
  readonly records: readonly Uint8Array[];
  /** Where it was loaded from, for whoever has to mend it. */
  readonly where?: string;
}

/** Who writes the log. Epochs grow with every change of controller and fence the ones before. */
export interface ControllerElection {
  /** Tries to become controller. `brokerId` was announced through {@link BrokerLiveness.announce}. */
  claim(brokerId: number): Promise<ClaimOutcome>;
  current(): Promise<ControllerTerm | null>;
  /** Gives up the office if `controllerEpoch` still holds it. */
  resign(controllerEpoch: number): Promise<void>;
  /** Called when the office may have changed hands or fallen vacant. A hint. */
  onChange(listener: () => void): () => void;
}

export interface ControllerTerm {
  readonly controllerId: number;
  readonly controllerEpoch: number;
}

export type ClaimOutcome =
  | { readonly kind: "won"; readonly controllerEpoch: number }
  | { readonly kind: "lost"; readonly to: ControllerTerm }
  | { readonly kind: "unknown"; readonly cause: unknown };

/** Which brokers are alive, by the word of the coordination service. */
export interface BrokerLiveness {
  /** Whether the service has been out of reach for so long that this broker's announcement may have ended unheard. */
  readonly isInDoubt: boolean;
  /**
   * Declares this broker alive until its connection to the service ends. An announcement that the same data directory
   * left behind is replaced; one of another directory is not.
   */
  announce(broker: BrokerAnnouncement): Promise<AnnounceOutcome>;
  /** Takes the announcement back at once: an orderly stop. */
  withdraw(brokerId: number): Promise<void>;
  live(): Promise<readonly LiveBroker[]>;
  /** Called when a broker may have come or gone. A hint. */
  onChange(listener: () => void): () => void;
  /** Called when this broker's own announcement has ended: it must act as dead until it has announced itself again. */
  onLost(listener: () => void): () => void;
}

export interface BrokerAnnouncement {
  readonly brokerId: number;
  /** Another one for every start of the process. */
  readonly incarnationId: Uuid;
  /** The data directory's id in `meta.properties`: whose broker id it is. */
  readonly directoryId: Uuid;
}

/** A broker that is announced. Which life of it is null where its announcement is there, but cannot be read. */
export interface LiveBroker {
  readonly brokerId: number;
  readonly incarnationId: Uuid | null;
  readonly directoryId: Uuid | null;
}

export type AnnounceOutcome =
  | { readonly kind: "done" }
  /** A broker with another data directory is alive under this id. */
  | { readonly kind: "id-in-use"; readonly by: BrokerAnnouncement };
