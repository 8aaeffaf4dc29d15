import type { Uuid } from "@ottla/protocol";
import type { Logger, Runtime } from "@ottla/runtime";
import { AsyncMutex } from "@ottla/storage/internal";
import { isZooKeeperError, type ZooKeeper } from "@ottla/zookeeper";
import type {
  AppendOutcome,
  BrokerLiveness,
  ControllerElection,
  LogHead,
  LogSlice,
  MetadataAppend,
  MetadataLog,
  MetadataSnapshot,
} from "../metadata-log.ts";
import { type HeldOffice, ZooKeeperElection } from "./election.ts";
import { ZooKeeperEntries } from "./entries.ts";
import {
  decodeClusterId,
  decodeHead,
  EMPTY_HEAD,
  encodeClusterId,
  encodeEntry,
  encodeEpoch,
  encodeHead,
  type HeadState,
  ZooKeeperPaths,
} from "./layout.ts";
import { ZooKeeperLiveness } from "./liveness.ts";
import { PatientClient } from "./patient-client.ts";
import { type StoredSnapshot, ZooKeeperSnapshots } from "./snapshots.ts";
import { StandingWatch } from "./standing-watch.ts";

/** ZooKeeper takes 1 MB (`jute.maxbuffer`), path and session and all. */
const APPEND_BYTES_MAX = 512 * 1024;
/** How often a snapshot is begun anew when the connection breaks. */
const SNAPSHOT_ATTEMPTS_MAX = 10;
const PASSING_WHILE_STORING = ["NODE_EXISTS", "CONNECTION_LOSS", "SESSION_MOVED"] as const;
const PASSING_WHILE_ADOPTING = [
  "BAD_VERSION",
  "NO_NODE",
  "NODE_EXISTS",
  "CONNECTION_LOSS",
  "SESSION_MOVED",
  "SESSION_EXPIRED",
] as const;

export interface ZooKeeperMetadataLogOptions {
  readonly client: ZooKeeper;
  /** The chroot of `zookeeper.connect`: "" or "/path". It is created where it does not exist. */
  readonly root: string;
  readonly runtime: Runtime;
}

interface VersionedHead extends HeadState {
  readonly version: number;
}

/** What is known of the head holds for one term: between two of them others have moved it. */
interface TermHead {
  readonly office: HeldOffice;
  readonly head: VersionedHead;
}

/**
 * The metadata log in ZooKeeper: one znode for each entry, and a head that says where the log begins and ends.
 *
 * An append is one transaction: the controller's epoch is checked, the head is moved if it is where it should be, the
 * entry is created. So it is done by the elected controller alone, once, at the expected offset.
 */
export class ZooKeeperMetadataLog implements MetadataLog {
  readonly appendBytesMax = APPEND_BYTES_MAX;
  readonly election: ControllerElection;
  readonly liveness: BrokerLiveness;
  readonly #client: ZooKeeper;
  readonly #patient: PatientClient;
  readonly #paths: ZooKeeperPaths;
  readonly #office: ZooKeeperElection;
  readonly #announcements: ZooKeeperLiveness;
  readonly #entries: ZooKeeperEntries;
  readonly #snapshots: ZooKeeperSnapshots;
  readonly #logger: Logger;
  readonly #headMoved: StandingWatch;
  /** Appends and snapshots move the head by turns. */
  readonly #moving = new AsyncMutex();
  /** The head as this controller has left it in its present term; null when it has to be read. */
  #head: TermHead | null = null;
  /** What snapshots have taken the place of is removed, one sweep after another. */
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor({ client, runtime }: ZooKeeperMetadataLogOptions, patient: PatientClient, paths: ZooKeeperPaths) {
    this.#client = client;
    this.#paths = paths;
    this.#patient = patient;
    this.#office = new ZooKeeperElection(client, patient, paths, runtime.clock);
    this.election = this.#office;
    this.#announcements = new ZooKeeperLiveness(client, patient, paths, runtime);
    this.liveness = this.#announcements;
    this.#entries = new ZooKeeperEntries(client, patient, paths);
    this.#snapshots = new ZooKeeperSnapshots(client, patient, paths, runtime);
    this.#logger = runtime.logger;
    this.#headMoved = new StandingWatch(client, (watch) => client.exists(paths.head, watch));
  }

  /** Creates what is not there yet. */
  static async open(options: ZooKeeperMetadataLogOptions): Promise<ZooKeeperMetadataLog> {
    const { client, root, runtime } = options;
    const paths = new ZooKeeperPaths(root);
    const patient = new PatientClient(client, runtime.timers);
    for (const path of [paths.brokerIds, paths.entries, paths.snapshots, `${paths.root}/cluster`]) {
      await ensurePath(client, patient, path);
    }
    await ensureZnode(client, patient, paths.controllerEpoch, encodeEpoch(0));
    await ensureZnode(client, patient, paths.head, encodeHead(EMPTY_HEAD));
    return new ZooKeeperMetadataLog(options, patient, paths);
  }

  async clusterId(proposed: Uuid): Promise<Uuid> {
    const path = this.#paths.clusterId;
    await ensureZnode(this.#client, this.#patient, path, encodeClusterId(proposed));
    await this.#patient.sync(path);
    return decodeClusterId((await this.#patient.get(path)).data, path);
  }

  adopt(snapshot: MetadataSnapshot, origin: Uuid): Promise<boolean> {
    return this.#moving.run(async () => {
      for (;;) {
        try {
          return await this.#adopt(snapshot, origin);
        } catch (error) {
          // Done or not, or somebody else was faster: what the head says next tells.
          if (!isZooKeeperError(error, ...PASSING_WHILE_ADOPTING)) throw error;
        }
      }
    });
  }

  async head(): Promise<LogHead> {
    await this.#patient.sync(this.#paths.head);
    const { endOffset, epoch, logStartOffset } = await this.#readHead();
    return { endOffset, epoch, logStartOffset };
  }

  async read(offset: number): Promise<LogSlice> {
    for (;;) {
      const { endOffset, logStartOffset } = await this.#readHead();
      if (offset < logStartOffset) return { kind: "trimmed", logStartOffset };
      if (offset >= endOffset) return { kind: "entries", entries: [] };
      const entries = await this.#entries.read(offset, endOffset);
      if (entries !== null) return { kind: "entries", entries };
    }
  }

  append(append: MetadataAppend): Promise<AppendOutcome> {
    return this.#moving.run(async () => {
      try {
        return await this.#append(append);
      } catch (cause) {
        this.#head = null;
        if (isZooKeeperError(cause, "CONNECTION_LOSS", "SESSION_MOVED", "SESSION_EXPIRED"))
          return { kind: "unknown", cause };
        throw cause;
      }
    });
  }

  async loadSnapshot(): Promise<MetadataSnapshot | null> {
    for (;;) {
      const { snapshot, logStartOffset } = await this.#readHead();
      if (snapshot === null) return null;
      const records = await this.#snapshots.read(snapshot.name, snapshot.chunks);
      const where = `znode ${this.#paths.snapshot(snapshot.name)}`;
      if (records !== null) return { endOffset: logStartOffset, epoch: snapshot.epoch, records, where };
    }
  }

  async storeSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#storeSnapshot(snapshot);
      } catch (error) {
        // Whether the head has moved or not: the next attempt sees it.
        const isPassing = isZooKeeperError(error, ...PASSING_WHILE_STORING) || hasHeadMoved(error);
        if (!isPassing || attempt === SNAPSHOT_ATTEMPTS_MAX) throw error;
      }
    }
  }

  onHeadMoved(listener: () => void): () => void {
    return this.#headMoved.add(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#announcements.close();
    this.#patient.close();
    return this.#client.close();
  }

  /** Writes the snapshot beside the present one, lets the head name it, and leaves it to be swept up what it stands for. */
  async #storeSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    const office = this.#office.held;
    if (office === null) return;
    const head = await this.#moving.run(() => this.#headOf(office));
    // An attempt before this one may have been done, and its answer lost.
    if (snapshot.endOffset <= head.logStartOffset) return this.#sweepLater(head);
    const stored = await this.#snapshots.write(snapshot);
    this.#sweepLater(await this.#moving.run(() => this.#nameSnapshot(snapshot, stored, office)));
  }

  /** Appends may have moved the head on meanwhile. Resolves to the head as it is then. */
  async #nameSnapshot(
    { endOffset, epoch }: MetadataSnapshot,
    stored: StoredSnapshot,
    office: HeldOffice,
  ): Promise<HeadState> {
    const head = await this.#headOf(office);
    if (endOffset <= head.logStartOffset) return head;
    const next = { ...head, logStartOffset: endOffset, snapshot: { ...stored, epoch } };
    this.#head = null;
    await this.#client.multi([
      { type: "check", path: this.#paths.controllerEpoch, version: office.epochVersion },
      { type: "set", path: this.#paths.head, data: encodeHead(next), version: head.version },
    ]);
    return next;
  }

  #sweepLater({ logStartOffset, snapshot }: HeadState): void {
    if (snapshot === null) return;
    this.#sweeping = this.#sweeping.then(() => this.#sweep(logStartOffset, snapshot.name));
  }

  /** What is left of it, should it end early, the next sweep finds. */
  async #sweep(logStartOffset: number, snapshotName: string): Promise<void> {
    try {
      await this.#snapshots.removeOlder(snapshotName);
      await this.#entries.removeBelow(logStartOffset);
    } catch (error) {
      if (this.#isClosed) return;
      this.#logger.warn("what a snapshot of the metadata stands for could not be removed", { err: error });
    }
  }

  /** Needs no office: the head as it was before the first append lets one of all through, whoever they are. */
  async #adopt(snapshot: MetadataSnapshot, origin: Uuid): Promise<boolean> {
    await this.#patient.sync(this.#paths.head);
    const { version, ...head } = await this.#readHead();
    if (head.origin !== null || head.endOffset > 0) return head.origin === origin;
    const { endOffset, epoch } = snapshot;
    const stored = await this.#snapshots.write(snapshot);
    const next = { endOffset, epoch, logStartOffset: endOffset, snapshot: { ...stored, epoch }, origin };
    await this.#client.multi([{ type: "set", path: this.#paths.head, data: encodeHead(next), version }]);
    await this.#snapshots.removeOlder(stored.name);
    return true;
  }

  async #append(append: MetadataAppend): Promise<AppendOutcome> {
    const office = this.#office.held;
    if (office?.controllerEpoch !== append.controllerEpoch) return await this.#outcomeOf(append);
    const head = await this.#headOf(office);
    if (head.endOffset !== append.expectedOffset) return await this.#outcomeOf(append);
    const endOffset = append.expectedOffset + append.records.length;
    const next: HeadState = { ...head, endOffset, epoch: append.controllerEpoch };
    const entry = encodeEntry({ ...append, baseOffset: append.expectedOffset, epoch: append.controllerEpoch });
    this.#head = null;
    try {
      await this.#client.multi([
        { type: "check", path: this.#paths.controllerEpoch, version: office.epochVersion },
        { type: "set", path: this.#paths.head, data: encodeHead(next), version: head.version },
        { type: "create", path: this.#paths.entry(append.expectedOffset), data: entry },
      ]);
    } catch (error) {
      if (isZooKeeperError(error, "BAD_VERSION", "NODE_EXISTS", "NO_NODE")) return await this.#outcomeOf(append);
      throw error;
    }
    this.#head = { office, head: { ...next, version: head.version + 1 } };
    return { kind: "done", endOffset };
  }

  /**
   * What became of an append that cannot be done now, nor ever will be: it was done before, and its answer lost, or it
   * was not. The refused transaction is the proof that no earlier one is still under way: it would be refused too.
   */
  async #outcomeOf({ id, controllerEpoch, expectedOffset }: MetadataAppend): Promise<AppendOutcome> {
    await this.#patient.sync(this.#paths.head);
    const found = await this.#entries.find(expectedOffset);
    if (found?.id === id) return { kind: "done", endOffset: found.endOffset };
    // What is known of the office may be what is amiss: somebody else may have written to its znodes.
    this.#office.forget(controllerEpoch);
    return { kind: "not-controller" };
  }

  async #headOf(office: HeldOffice): Promise<VersionedHead> {
    if (this.#head?.office === office) return this.#head.head;
    await this.#patient.sync(this.#paths.head);
    const head = await this.#readHead();
    this.#head = { office, head };
    return head;
  }

  async #readHead(): Promise<VersionedHead> {
    const { data, stat } = await this.#patient.get(this.#paths.head);
    return { ...decodeHead(data, this.#paths.head), version: stat.version };
  }
}

/** Whether naming a snapshot was refused because an append, whose answer was lost, has moved the head: not for the office. */
function hasHeadMoved(error: unknown): boolean {
  return isZooKeeperError(error, "BAD_VERSION") && error.failedOperation === 1;
}

/** Creates a path and what is above it, where it is not there yet. */
async function ensurePath(client: ZooKeeper, patient: PatientClient, path: string): Promise<void> {
  const parts = path.split("/").slice(1);
  for (let length = 1; length <= parts.length; length++) {
    await ensureZnode(client, patient, `/${parts.slice(0, length).join("/")}`, new Uint8Array(0));
  }
}

function ensureZnode(client: ZooKeeper, patient: PatientClient, path: string, data: Uint8Array): Promise<void> {
  return patient.settle(() => client.create(path, data), "NODE_EXISTS");
}
