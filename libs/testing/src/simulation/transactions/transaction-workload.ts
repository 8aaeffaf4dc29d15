import { Admin } from "@ottla/admin";
import type { Broker } from "@ottla/broker";
import { Producer } from "@ottla/producer";
import type { Random } from "@ottla/runtime";
import { findAnomalies, type Read, type TransactionHistory } from "../../history/transaction-history.ts";
import { OperatorRequests } from "../cluster/operator-requests.ts";
import type { SimulatedCluster } from "../simulated-cluster.ts";
import type { ClockOptions, SimulatedProcess } from "../simulated-process.ts";
import { type SimulatedWorld, STEP_MS } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { type ProcessObserver, TRANSACTION_TIMEOUT_MS } from "./client-options.ts";
import { CommittedReader } from "./committed-reader.ts";
import { Copier } from "./copier.ts";
import { PairWriter } from "./pair-writer.ts";

const PARTITIONS = 3;
const COPIERS = 3;
const WRITERS = 3;
const PAIRS = ["a-0", "a-1", "b-0"];
const INPUTS = Array.from({ length: PARTITIONS }, (_, index) => `in-${index}`);
const OUTPUTS = Array.from({ length: PARTITIONS }, (_, index) => `out-${index}`);

/** So long after the last fault everything has settled: a thousand records may be left to copy, a few at a time. */
const QUIET_MS_MAX = 300_000;
/** Meanwhile each partition's last stable offset moves on: whatever holds it up times out, and is ended. */
const HELD_UP_MS_MAX = 12 * TRANSACTION_TIMEOUT_MS;
const LAST_READ_MS = 10_000;
const CREATE_TIMEOUT_MS = 30_000;

/** How often each fault of a client is tried, in one of so many steps. */
export const CLIENT_FAULTS = {
  crashCopier: 80,
  stopCopier: 150,
  pauseCopier: 80,
  twinCopier: 150,
  crashWriter: 80,
  pauseWriter: 60,
  twinWriter: 120,
  crashReader: 200,
  cutOff: 60,
} as const;

export type ClientFault = keyof typeof CLIENT_FAULTS;

/** What happens to clients in a run in which nothing is missing. */
export const CLIENTS_MUST_HAVE = [
  ...Object.keys(CLIENT_FAULTS).map((fault) => `fault ${fault}`),
  ...["committed", "aborted", "unknown", "failed with PRODUCER_FENCED"].map((how) => `transaction ${how}`),
  "copier: ended by PRODUCER_FENCED",
];

export interface TransactionWorkloadOptions {
  readonly world: SimulatedWorld;
  readonly cluster: SimulatedCluster;
  /** The clock of each process that is started. */
  readonly clock?: () => ClockOptions;
  /** Lets the world move on, and looks at what must hold. */
  readonly step: () => Promise<void>;
  /** The level of `transaction.version`. */
  readonly transactionVersion?: TransactionVersion | undefined;
}

/** 2: each transaction has an epoch of its own (KIP-890). */
export type TransactionVersion = 0 | 1 | 2;

const FEATURE = "transaction.version";
const HIGHEST: TransactionVersion = 2;

interface Ended {
  readonly process: SimulatedProcess;
}

/**
 * Workers that copy one topic to another exactly once; writers with transactions of their own, over several topics; and
 * readers of what is committed; with what befalls clients: they crash, pause until their transactions have timed out and
 * wake as zombies beside their successors, and are cut off.
 *
 * In the end, whatever came in has been copied once and in order, {@link findAnomalies} finds nothing in what writers and
 * readers have seen, and no transaction hangs.
 */
export class TransactionWorkload implements ProcessObserver {
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #cluster: SimulatedCluster;
  readonly #clock: () => ClockOptions;
  readonly #step: () => Promise<void>;
  readonly #admin: Admin;
  readonly #source: Producer;
  readonly #transactionVersion: TransactionVersion;
  readonly #writers: PairWriter[] = [];
  readonly #readers: CommittedReader[] = [];
  readonly #zombies = new Set<SimulatedProcess>();
  readonly #copiers = new Map<number, Copier>();
  readonly #currentWriters = new Map<number, PairWriter>();
  /** By partition: where its last stable offset is held up, and since when. */
  readonly #heldUp = new Map<string, { readonly offset: number; readonly sinceMs: number }>();
  #sent = 0;

  constructor({ world, cluster, clock, step, transactionVersion = HIGHEST }: TransactionWorkloadOptions) {
    this.#world = world;
    this.#random = world.random;
    this.#cluster = cluster;
    this.#clock = clock ?? (() => ({}));
    this.#step = step;
    this.#transactionVersion = transactionVersion;
    const client = world.operatorClient(cluster.bootstrapServers);
    this.#admin = new Admin(client);
    this.#source = new Producer(client);
  }

  get tally(): Tally {
    return this.#world.tally;
  }

  violated(error: unknown): void {
    this.#world.violated(error);
  }

  /** To be called when the brokers serve. */
  async start(): Promise<void> {
    if (this.#transactionVersion < HIGHEST) await this.#downgrade();
    const topics = [
      { name: "in", partitions: PARTITIONS },
      { name: "out", partitions: PARTITIONS },
      { name: "a", partitions: 2 },
      { name: "b", partitions: 1 },
    ];
    await this.#world.settle(this.#admin.createTopics(topics, { timeoutMs: CREATE_TIMEOUT_MS }));
    this.#startReader();
  }

  /** Before there are clients: all of them are to find it. */
  async #downgrade(): Promise<void> {
    const { network, operator } = this.#world;
    const connector = network.connectorOf(operator);
    const requests = new OperatorRequests({ connector, runtime: operator.runtime, clientId: "operator" });
    const host = this.#cluster.candidates[0]!.name;
    await this.#world.settle(requests.downgrade(host, FEATURE, this.#transactionVersion));
    const levelOf = ({ services }: Broker) => services.image.features.get(FEATURE) ?? 0;
    while (!this.#cluster.running.every((broker) => levelOf(broker) === this.#transactionVersion)) await this.#step();
  }

  /** To be called in each step: starts who is missing, and now and then gives the copiers something to do. */
  goOn(): void {
    this.#startMissing();
    if (this.#random.nextInt(2) === 0) this.#write();
  }

  readonly faults: Record<ClientFault, () => boolean> = {
    crashCopier: () => this.#to(this.#copiers, ({ process }) => process.kill()),
    stopCopier: () => this.#to(this.#copiers, (copier) => copier.stop()),
    pauseCopier: () => this.#to(this.#copiers, ({ process }) => this.#pause(process)),
    /** Wakes as a zombie: its successor has its transactional id. */
    twinCopier: () =>
      this.#to(this.#copiers, ({ process }, slot) => {
        this.#pause(process);
        this.#zombies.add(process);
        this.#startCopier(slot);
      }),
    crashWriter: () => this.#to(this.#currentWriters, ({ process }) => process.kill()),
    pauseWriter: () => this.#to(this.#currentWriters, ({ process }) => this.#pause(process)),
    twinWriter: () =>
      this.#to(this.#currentWriters, ({ process }, slot) => {
        this.#pause(process);
        this.#startWriter(slot);
      }),
    crashReader: () => {
      this.#readers.at(-1)!.process.kill();
      this.#startReader();
      return true;
    },
    cutOff: () => {
      const alive = [...this.#processes()].filter(({ isDead }) => !isDead);
      const process = alive[this.#random.nextInt(Math.max(alive.length, 1))];
      if (process === undefined) return false;
      process.isCutOff = true;
      this.#world.later(500 + this.#random.nextInt(2 * TRANSACTION_TIMEOUT_MS), () => {
        process.isCutOff = false;
      });
      return true;
    },
  };

  /**
   * No more faults: what is there has to come to an end.
   * @param unsettled what else has to, or null
   * @throws Error when it does not, or not as it must
   */
  async finish(unsettled: () => string | null = () => null): Promise<void> {
    for (const process of this.#processes()) {
      process.resume();
      process.isCutOff = false;
    }
    for (const writer of this.#writers) writer.stop();
    await this.#untilSettled(() => this.#unsettled() ?? unsettled());
    await this.#check();
  }

  killAll(): void {
    for (const process of this.#processes()) process.kill();
  }

  /** A record that a killed broker took along was never acknowledged; what is in the log counts. */
  #write(): void {
    const partition = this.#random.nextInt(PARTITIONS);
    const records = Array.from({ length: 1 + this.#random.nextInt(8) }, () => ({
      ...{ topic: "in", partition, value: String(this.#sent++) },
    }));
    this.#source.send(records).catch(() => {});
  }

  get #common() {
    const { network } = this.#world;
    return { network, bootstrapServers: this.#cluster.bootstrapServers, observer: this };
  }

  #startCopier(slot: number): void {
    const transactionalId = `copier-${slot}`;
    const groupProtocol = this.#world.seed % 2 === 0 ? ("classic" as const) : ("consumer" as const);
    const own = { from: "in", to: "out", transactionalId, groupProtocol };
    const process = this.#world.newProcess("copier", this.#clock());
    this.#copiers.set(slot, new Copier({ ...this.#common, ...process, ...own }));
  }

  #startWriter(slot: number): void {
    const own = { transactionalId: `writer-${slot}`, partitions: PAIRS };
    const writer = new PairWriter({ ...this.#common, ...this.#world.newProcess("writer", this.#clock()), ...own });
    this.#writers.push(writer);
    this.#currentWriters.set(slot, writer);
  }

  #startReader(): CommittedReader {
    const { process } = this.#world.newProcess("reader", this.#clock());
    const reader = new CommittedReader({ ...this.#common, process, partitions: [...OUTPUTS, ...PAIRS] });
    this.#readers.push(reader);
    return reader;
  }

  #startMissing(): void {
    this.#startMissingCopiers();
    for (let slot = 0; slot < WRITERS; slot++) if (isGone(this.#currentWriters.get(slot))) this.#startWriter(slot);
  }

  #startMissingCopiers(): void {
    for (let slot = 0; slot < COPIERS; slot++) if (isGone(this.#copiers.get(slot))) this.#startCopier(slot);
  }

  *#processes(): IterableIterator<SimulatedProcess> {
    for (const { process } of this.#copiers.values()) yield process;
    for (const { process } of this.#writers) yield process;
    for (const { process } of this.#readers) yield process;
    yield* this.#zombies;
  }

  #to<T extends Ended>(slots: ReadonlyMap<number, T>, action: (one: T, slot: number) => void): boolean {
    const alive = [...slots].filter(([, { process }]) => !process.isDead);
    const chosen = alive[this.#random.nextInt(Math.max(alive.length, 1))];
    if (chosen === undefined) return false;
    action(chosen[1], chosen[0]);
    return true;
  }

  /** Often for longer than its transaction may take. */
  #pause(process: SimulatedProcess): void {
    process.pause();
    this.#world.later(200 + this.#random.nextInt(2 * TRANSACTION_TIMEOUT_MS), () => process.resume());
  }

  async #untilSettled(unsettledNow: () => string | null): Promise<void> {
    const endMs = this.#world.nowMs + QUIET_MS_MAX;
    for (;;) {
      this.#startMissingCopiers();
      await this.#step();
      const unsettled = unsettledNow();
      if (unsettled === null) return;
      if (this.#world.nowMs > endMs) throw new Error(`after ${QUIET_MS_MAX} ms of calm ${unsettled}`);
    }
  }

  /** What has not come to an end yet, or null. */
  #unsettled(): string | null {
    const broker = this.#cluster.anyRunning;
    if (broker === undefined) return "there is no broker";
    const writing = this.#writers.find(({ process }) => !process.isDead);
    if (writing !== undefined) return `${writing.process.name} still writes`;
    for (const topic of ["out", "a", "b", "__consumer_offsets"]) {
      for (const { partition } of broker.services.image.topicsByName.get(topic)?.partitions ?? []) {
        const log = this.#cluster.leaderOf(topic, partition)?.log;
        if (log === undefined) return `${topic}-${partition} is not there`;
        if (log.lastStableOffset < log.logEndOffset) return this.#isHeldUp(`${topic}-${partition}`, log);
      }
    }
    const copied = OUTPUTS.reduce((sum, name) => sum + this.#readers.at(-1)!.valuesOf(name).length, 0);
    const inputs = INPUTS.reduce((sum, _, partition) => {
      return sum + (this.#cluster.leaderOf("in", partition)?.log.highWatermark ?? Number.POSITIVE_INFINITY);
    }, 0);
    return copied < inputs ? `${copied} of ${inputs} records are copied` : null;
  }

  /** @throws Error where it is no other transaction than long before */
  #isHeldUp(partition: string, { lastStableOffset: offset }: { readonly lastStableOffset: number }): string {
    const what = `a transaction hangs in ${partition}`;
    const { nowMs } = this.#world;
    const before = this.#heldUp.get(partition);
    if (before?.offset !== offset) this.#heldUp.set(partition, { offset, sinceMs: nowMs });
    else if (nowMs - before.sinceMs > HELD_UP_MS_MAX) throw new Error(`after ${HELD_UP_MS_MAX} ms of calm ${what}`);
    return what;
  }

  async #check(): Promise<void> {
    for (const { process } of this.#copiers.values()) process.kill();
    const last = this.#startReader();
    const { process } = this.#world.newProcess("reader");
    const inputs = new CommittedReader({ ...this.#common, process, partitions: INPUTS });
    for (let waitedMs = 0; waitedMs < LAST_READ_MS; waitedMs += STEP_MS) await this.#step();
    inputs.process.kill();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const [read, copied] = [inputs.valuesOf(`in-${partition}`), last.valuesOf(`out-${partition}`)];
      const at = read.findIndex((value, index) => copied[index] !== value);
      if (at >= 0) throw new Error(`in-${partition} has ${read[at]} at ${at}, and out-${partition} ${copied[at]}`);
      if (copied.length > read.length) throw new Error(`out-${partition} has ${copied.length - read.length} too many`);
    }
    const transactions: TransactionHistory[] = this.#writers.flatMap((writer) => writer.transactions);
    const ofPairs = ({ partition }: Read) => PAIRS.includes(partition);
    const reads = this.#readers.flatMap((reader) => reader.reads.filter(ofPairs));
    const [anomaly] = findAnomalies({ transactions, reads });
    if (anomaly !== undefined) throw new Error(`${anomaly.kind}: ${anomaly.what}`);
    await this.#checkNoneIsOpen();
  }

  /** What the coordinators say: a killed copier's transaction has timed out by now, or it does within its time. */
  async #checkNoneIsOpen(): Promise<void> {
    const states = ["Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence"];
    const endMs = this.#world.nowMs + 3 * TRANSACTION_TIMEOUT_MS;
    for (;;) {
      const [open] = await this.#world.settle(this.#admin.listTransactions({ states, timeoutMs: CREATE_TIMEOUT_MS }));
      if (open === undefined) return;
      if (this.#world.nowMs > endMs) throw new Error(`a transaction hangs: ${open.transactionalId} is ${open.state}`);
      await this.#step();
    }
  }
}

const isGone = (one: Ended | undefined): boolean => one === undefined || one.process.isDead;
