import type { Uuid } from "@ottla/protocol";
import { Listeners } from "./listeners.ts";
import type {
  AnnounceOutcome,
  AppendOutcome,
  BrokerAnnouncement,
  BrokerLiveness,
  ClaimOutcome,
  ControllerElection,
  ControllerTerm,
  LogHead,
  LogSlice,
  MetadataAppend,
  MetadataEntry,
  MetadataLog,
  MetadataSnapshot,
} from "./metadata-log.ts";

/** As with ZooKeeper's `jute.maxbuffer`, halved. */
const APPEND_BYTES_MAX = 512 * 1024;

/** One shared metadata log in memory: what a coordination service is to brokers of one process. */
export class MemoryMetadataStore {
  readonly entries: MetadataEntry[] = [];
  /** Ids of appends by the offset of their entries. */
  readonly appendIds = new Map<number, Uuid>();
  readonly sessions = new Map<number, MemorySession>();
  readonly changes = new Listeners();
  snapshot: MetadataSnapshot | null = null;
  clusterId: Uuid | null = null;
  /** Whose metadata the log began with, or null. */
  origin: Uuid | null = null;
  logStartOffset = 0;
  endOffset = 0;
  controllerEpoch = 0;
  controller: MemorySession | null = null;

  /** A broker's connection to the store. */
  connect(): MemoryMetadataLog {
    return new MemoryMetadataLog(this);
  }
}

interface MemorySession {
  broker: BrokerAnnouncement;
}

/** One broker's view of a {@link MemoryMetadataStore}. Calls take effect when they are made and answer in a later turn. */
export class MemoryMetadataLog implements MetadataLog {
  readonly appendBytesMax = APPEND_BYTES_MAX;
  readonly election: ControllerElection;
  readonly liveness: BrokerLiveness;
  readonly #store: MemoryMetadataStore;
  readonly #lost = new Listeners();
  readonly #subscriptions: (() => void)[] = [];
  #session: MemorySession | null = null;
  #isSevered = false;

  constructor(store: MemoryMetadataStore) {
    this.#store = store;
    this.election = {
      claim: async (brokerId) => this.#claim(brokerId),
      current: async () => this.#term(),
      resign: async (controllerEpoch) => this.#resign(controllerEpoch),
      onChange: (listener) => this.#subscribe(listener),
    };
    this.liveness = {
      isInDoubt: false,
      announce: async (broker) => this.#announce(broker),
      withdraw: async () => this.#endSession(),
      live: async () => [...store.sessions.values()].map((session) => session.broker),
      onChange: (listener) => this.#subscribe(listener),
      onLost: (listener) => this.#lost.add(listener),
    };
  }

  async clusterId(proposed: Uuid): Promise<Uuid> {
    this.#store.clusterId ??= proposed;
    return this.#store.clusterId;
  }

  async adopt(snapshot: MetadataSnapshot, origin: Uuid): Promise<boolean> {
    const store = this.#store;
    if (store.origin !== null || store.endOffset > 0) return store.origin === origin;
    store.origin = origin;
    store.snapshot = snapshot;
    store.logStartOffset = snapshot.endOffset;
    store.endOffset = snapshot.endOffset;
    store.changes.notify();
    return true;
  }

  async head(): Promise<LogHead> {
    const { entries, snapshot, endOffset, logStartOffset } = this.#store;
    return { endOffset, epoch: entries.at(-1)?.epoch ?? snapshot?.epoch ?? -1, logStartOffset };
  }

  async read(offset: number): Promise<LogSlice> {
    const { entries, logStartOffset } = this.#store;
    if (offset < logStartOffset) return { kind: "trimmed", logStartOffset };
    return { kind: "entries", entries: entries.filter((entry) => entry.baseOffset >= offset) };
  }

  async append(append: MetadataAppend): Promise<AppendOutcome> {
    const store = this.#store;
    if (store.appendIds.get(append.expectedOffset) === append.id) {
      return { kind: "done", endOffset: append.expectedOffset + append.records.length };
    }
    const isController = store.controller !== null && store.controller === this.#session;
    if (
      !isController ||
      store.controllerEpoch !== append.controllerEpoch ||
      store.endOffset !== append.expectedOffset
    ) {
      return { kind: "not-controller" };
    }
    const { records } = append;
    store.appendIds.set(store.endOffset, append.id);
    const endOffset = store.endOffset + records.length;
    store.entries.push({ baseOffset: store.endOffset, endOffset, epoch: append.controllerEpoch, records });
    store.endOffset = endOffset;
    store.changes.notify();
    return { kind: "done", endOffset };
  }

  async loadSnapshot(): Promise<MetadataSnapshot | null> {
    return this.#store.snapshot;
  }

  async storeSnapshot(snapshot: MetadataSnapshot): Promise<void> {
    const store = this.#store;
    if (store.snapshot !== null && snapshot.endOffset <= store.snapshot.endOffset) return;
    store.snapshot = snapshot;
    store.logStartOffset = snapshot.endOffset;
    const kept = store.entries.findIndex((entry) => entry.baseOffset >= snapshot.endOffset);
    store.entries.splice(0, kept < 0 ? store.entries.length : kept);
  }

  onHeadMoved(listener: () => void): () => void {
    return this.#subscribe(listener);
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#endSession();
  }

  /** Ends this broker's session as the service does when it hears nothing: for tests and simulations. */
  expireSession(): void {
    if (this.#session === null) return;
    this.#endSession();
    this.#lost.notify();
  }

  /** Ends it for good, as when the broker's process dies: nothing that is asked for later has any effect. */
  sever(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#endSession();
    this.#isSevered = true;
  }

  #claim(brokerId: number): ClaimOutcome {
    const store = this.#store;
    const session = this.#session;
    if (session?.broker.brokerId !== brokerId) throw new Error(`broker ${brokerId} is not announced`);
    if (store.controller !== null && store.controller !== session) return { kind: "lost", to: this.#term()! };
    if (store.controller !== session) {
      store.controller = session;
      store.controllerEpoch++;
      store.changes.notify();
    }
    return { kind: "won", controllerEpoch: store.controllerEpoch };
  }

  #term(): ControllerTerm | null {
    const { controller, controllerEpoch } = this.#store;
    return controller === null ? null : { controllerId: controller.broker.brokerId, controllerEpoch };
  }

  #resign(controllerEpoch: number): void {
    const store = this.#store;
    if (store.controller === null || store.controller !== this.#session) return;
    if (store.controllerEpoch !== controllerEpoch) return;
    store.controller = null;
    store.changes.notify();
  }

  #announce(broker: BrokerAnnouncement): AnnounceOutcome {
    const store = this.#store;
    if (this.#isSevered) return { kind: "done" };
    const holder = store.sessions.get(broker.brokerId);
    if (holder !== undefined && holder.broker.directoryId !== broker.directoryId) {
      return { kind: "id-in-use", by: holder.broker };
    }
    if (this.#session?.broker.incarnationId !== broker.incarnationId) {
      if (holder !== undefined && store.controller === holder) store.controller = null;
      this.#session = { broker };
    }
    store.sessions.set(broker.brokerId, this.#session);
    store.changes.notify();
    return { kind: "done" };
  }

  #endSession(): void {
    const session = this.#session;
    if (session === null) return;
    const store = this.#store;
    this.#session = null;
    if (store.sessions.get(session.broker.brokerId) === session) store.sessions.delete(session.broker.brokerId);
    if (store.controller === session) store.controller = null;
    store.changes.notify();
  }

  #subscribe(listener: () => void): () => void {
    const unsubscribe = this.#store.changes.add(listener);
    this.#subscriptions.push(unsubscribe);
    return unsubscribe;
  }
}
