import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Logger, Random } from "@ottla/runtime";
import { findAnomalies, type Read, type TransactionHistory } from "../../history/transaction-history.ts";
import { SimulatedCluster } from "../simulated-cluster.ts";
import type { Exchange, Fate } from "../simulated-link.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import { SimulatedWorld, STEP_MS } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { type ProcessObserver, SESSION_TIMEOUT_MS, TRANSACTION_TIMEOUT_MS } from "./client-options.ts";
import { CommittedReader } from "./committed-reader.ts";
import { Copier } from "./copier.ts";
import { PairWriter } from "./pair-writer.ts";

const FAULTS_MS = 45_000;
const PARTITIONS = 3;
const COPIERS = 3;
const WRITERS = 3;
const PAIRS = ["a-0", "a-1", "b-0"];
const INPUTS = Array.from({ length: PARTITIONS }, (_, index) => `in-${index}`);
const OUTPUTS = Array.from({ length: PARTITIONS }, (_, index) => `out-${index}`);

/** So long after the last fault everything has settled. */
const QUIET_MS_MAX = 120_000;

const BROKER_CONFIG = {
  "offsets.topic.num.partitions": 2,
  "transaction.state.log.num.partitions": 2,
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
  "group.min.session.timeout.ms": 1_000,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.heartbeat.interval.ms": 500,
  "group.consumer.heartbeat.interval.ms": 1_000,
  "log.cleaner.enable": false,
};

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  crashCopier: 80,
  stopCopier: 150,
  pauseCopier: 80,
  twinCopier: 150,
  crashWriter: 80,
  pauseWriter: 60,
  twinWriter: 120,
  crashReader: 200,
  cutOff: 60,
  breakConnection: 25,
  killBroker: 150,
  stopBroker: 300,
  pauseBroker: 120,
  diskFull: 60,
} as const;

export type Fault = keyof typeof FAULTS;

export const faults = Object.keys(FAULTS) as Fault[];

interface Ended {
  readonly process: SimulatedProcess;
}

/**
 * A broker; workers that copy one topic to another exactly once; writers with transactions of their own, over several
 * topics; and readers of what is committed; while everything goes wrong that can: clients that crash, pause until their
 * transactions have timed out and wake as zombies beside their successors, are cut off and lose messages; a broker that
 * is killed, stopped, paused and runs out of disk. Everything follows from the seed.
 *
 * In the end, whatever came in has been copied once and in order, {@link findAnomalies} finds nothing in what writers and
 * readers have seen, and no transaction hangs.
 */
export class TransactionSimulation implements ProcessObserver {
  readonly tally: Tally;
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #cluster: SimulatedCluster;
  readonly #admin: Admin;
  readonly #source: Producer;
  readonly #writers: PairWriter[] = [];
  readonly #readers: CommittedReader[] = [];
  readonly #zombies = new Set<SimulatedProcess>();
  readonly #copiers = new Map<number, Copier>();
  readonly #currentWriters = new Map<number, PairWriter>();
  #sent = 0;

  constructor(seed: number, tally: Tally, logger?: Logger) {
    this.tally = tally;
    this.#world = new SimulatedWorld({
      ...{ seed, tally },
      fateOf: (exchange, direction) => this.#fateOf(exchange, direction),
    });
    this.#random = this.#world.random;
    this.#cluster = new SimulatedCluster({
      ...{ world: this.#world, brokers: 1, config: BROKER_CONFIG },
      ...(logger !== undefined && { logger }),
    });
    const client = this.#world.operatorClient(this.#cluster.bootstrapServers);
    this.#admin = new Admin(client);
    this.#source = new Producer(client);
  }

  /** @throws Error when an invariant is broken */
  async run(): Promise<void> {
    await this.#world.settle(this.#cluster.start());
    await this.#world.settle(
      this.#admin.createTopics([
        { name: "in", partitions: PARTITIONS },
        { name: "out", partitions: PARTITIONS },
        { name: "a", partitions: 2 },
        { name: "b", partitions: 1 },
      ]),
    );
    this.#startReader();
    const endMs = this.#nowMs + FAULTS_MS;
    while (this.#nowMs < endMs) {
      this.#world.inflict(FAULTS, this.#faults);
      this.#startMissing();
      if (this.#random.nextInt(2) === 0) this.#write();
      await this.#world.step();
    }
    await this.#calmDown();
    await this.#check();
    this.tally.add("settled");
    for (const process of this.#processes()) process.kill();
    this.#world.operator.kill();
    this.#cluster.killAll();
  }

  violated(error: unknown): void {
    this.#world.violated(error);
  }

  get #nowMs(): number {
    return this.#world.nowMs;
  }

  /** A record that a killed broker took along was never acknowledged; what is in the log counts. */
  #write(): void {
    const partition = this.#random.nextInt(PARTITIONS);
    const records = Array.from({ length: 1 + this.#random.nextInt(8) }, () => ({
      ...{ topic: "in", partition, value: String(this.#sent++) },
    }));
    this.#source.send(records).catch(() => {});
  }

  #fateOf({ apiName }: Exchange, direction: "request" | "response"): Fate {
    const dice = this.#random.nextInt(600);
    if (dice > 2) return "arrives";
    const fate = dice === 0 ? "silence" : "lost";
    this.tally.add(`${fate === "lost" ? "lost" : "silent"} ${direction}: ${apiName}`);
    return fate;
  }

  get #common() {
    const { network } = this.#world;
    return { network, bootstrapServers: this.#cluster.bootstrapServers, observer: this };
  }

  #startCopier(slot: number): void {
    const transactionalId = `copier-${slot}`;
    const groupProtocol = this.#world.seed % 2 === 0 ? ("classic" as const) : ("consumer" as const);
    const own = { from: "in", to: "out", transactionalId, groupProtocol };
    this.#copiers.set(slot, new Copier({ ...this.#common, ...this.#world.newProcess("copier"), ...own }));
  }

  #startWriter(slot: number): void {
    const own = { transactionalId: `writer-${slot}`, partitions: PAIRS };
    const writer = new PairWriter({ ...this.#common, ...this.#world.newProcess("writer"), ...own });
    this.#writers.push(writer);
    this.#currentWriters.set(slot, writer);
  }

  #startReader(): CommittedReader {
    const { process } = this.#world.newProcess("reader");
    const reader = new CommittedReader({ ...this.#common, process, partitions: [...OUTPUTS, ...PAIRS] });
    this.#readers.push(reader);
    return reader;
  }

  #startMissing(): void {
    for (let slot = 0; slot < COPIERS; slot++) if (isGone(this.#copiers.get(slot))) this.#startCopier(slot);
    for (let slot = 0; slot < WRITERS; slot++) if (isGone(this.#currentWriters.get(slot))) this.#startWriter(slot);
  }

  *#processes(): IterableIterator<SimulatedProcess> {
    for (const { process } of this.#copiers.values()) yield process;
    for (const { process } of this.#writers) yield process;
    for (const { process } of this.#readers) yield process;
    yield* this.#zombies;
  }

  readonly #faults: Record<Fault, () => boolean> = {
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
    breakConnection: () => this.#world.breakConnection(),
    killBroker: () => this.#cluster.toOne((broker) => this.#cluster.kill(broker)),
    stopBroker: () => this.#cluster.toOne((broker) => this.#cluster.stop(broker)),
    pauseBroker: () => this.#cluster.toOne((broker) => this.#cluster.pause(broker, 100 + this.#random.nextInt(3_000))),
    diskFull: () =>
      this.#cluster.toOne((broker) => {
        // Where some writes go well, a transaction may be decided and its end not be written.
        const likelihood = [0.2, 0.5, 1][this.#random.nextInt(3)]!;
        this.#cluster.fillDisk(broker, likelihood, 50 + this.#random.nextInt(1_000));
      }),
  };

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

  /** No more faults: what is there has to come to an end. */
  async #calmDown(): Promise<void> {
    this.#world.isFaulty = false;
    for (const process of this.#processes()) {
      process.resume();
      process.isCutOff = false;
    }
    for (const writer of this.#writers) writer.stop();
    const endMs = this.#nowMs + QUIET_MS_MAX;
    for (;;) {
      for (let slot = 0; slot < COPIERS; slot++) if (isGone(this.#copiers.get(slot))) this.#startCopier(slot);
      await this.#world.step();
      const unsettled = this.#unsettled();
      if (unsettled === null) return;
      if (this.#nowMs > endMs) throw new Error(`after ${QUIET_MS_MAX} ms of calm ${unsettled}`);
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
        if (log.lastStableOffset < log.logEndOffset) return `a transaction hangs in ${topic}-${partition}`;
      }
    }
    const copied = OUTPUTS.reduce((sum, name) => sum + this.#readers.at(-1)!.valuesOf(name).length, 0);
    const inputs = INPUTS.reduce((sum, _, partition) => {
      return sum + (this.#cluster.leaderOf("in", partition)?.log.highWatermark ?? Number.POSITIVE_INFINITY);
    }, 0);
    return copied < inputs ? `${copied} of ${inputs} records are copied` : null;
  }

  async #check(): Promise<void> {
    for (const { process } of this.#copiers.values()) process.kill();
    const last = this.#startReader();
    const inputs = new CommittedReader({ ...this.#common, ...this.#world.newProcess("reader"), partitions: INPUTS });
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += STEP_MS) await this.#world.step();
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
  }
}

const isGone = (one: Ended | undefined): boolean => one === undefined || one.process.isDead;
