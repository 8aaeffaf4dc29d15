import { Admin } from "@ottla/admin";
import type { Random } from "@ottla/runtime";
import { GroupLogCheck } from "../groups/group-log-check.ts";
import { type MemberObserver, SimulatedMember } from "../groups/simulated-member.ts";
import { MIN_INSYNC_REPLICAS } from "../simulated-cluster.ts";
import type { Arrival } from "../simulated-link.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import type { Tally } from "../tally.ts";
import { CLUSTER_FAULTS } from "./cluster-faults.ts";
import { type ClusterSimulationOptions, ClusterWorld } from "./cluster-world.ts";
import { SteadyWriter } from "./steady-writer.ts";
import { TopicReader } from "./topic-reader.ts";

const TOPIC = "orders";
const PARTITIONS = 3;
/** Topics that come and go, and change. */
const CHURN = ["churn-a", "churn-b"];
const WRITERS = 2;
const MEMBERS = 2;
/** So long after the last fault everything is whole again. */
const QUIET_MS_MAX = 90_000;
/** Clocks are hours apart. */
const SKEW_MS_MAX = 5 * 3_600_000;

const CONFIG = {
  "offsets.topic.num.partitions": 1,
  // Nobody is to be refused for it.
  "log.message.timestamp.after.max.ms": 10 * SKEW_MS_MAX,
};

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  ...CLUSTER_FAULTS,
  crashWriter: 150,
  crashMember: 150,
  createTopic: 80,
  deleteTopic: 120,
  addPartitions: 150,
  deleteRecords: 150,
  changeConfig: 150,
  reassign: 120,
  electLeaders: 80,
} as const;

export type Fault = keyof typeof FAULTS;

export const faults = Object.keys(FAULTS) as Fault[];

/**
 * A {@link ClusterWorld} with writers, a group and a reader that use the SDKs, while everything goes wrong that can:
 * brokers that are killed, lose what they had not synced, stop, pause and wake as zombies; networks that fail one way,
 * delay, lose and reorder; sessions that expire, ensembles that fail over and fail; clocks that are hours apart and jump;
 * topics that come and go. Everything follows from the seed.
 *
 * When the faults end every partition is whole again,
 * whatever waits is acknowledged, and every replica and reader has all that was acknowledged, once and in order.
 */
export class ClusterSimulation implements MemberObserver {
  readonly #all: ClusterWorld;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #admin: Admin;
  readonly #faultsMs: number;
  readonly #onceIn: Readonly<Record<Fault, number>>;
  readonly #writers: SteadyWriter[] = [];
  /** By partition: what the group has handled, and up to where all of it. */
  readonly #handled = new Map<number, { upTo: number; readonly offsets: Set<number> }>();
  readonly #groupLog: GroupLogCheck;
  /** Writes to a topic that comes and goes. */
  #churnWriter: SteadyWriter | undefined;
  #members: SimulatedMember[] = [];
  #reader: TopicReader | undefined;

  constructor(
    seed: number,
    tally: Tally,
    { faultsMs = 30_000, onceIn = {}, rare = {}, zooKeeperFaults = {}, logger }: ClusterSimulationOptions<Fault> = {},
  ) {
    this.#onceIn = { ...FAULTS, ...onceIn };
    this.#tally = tally;
    this.#faultsMs = faultsMs;
    this.#all = new ClusterWorld({
      ...{ seed, tally, config: CONFIG, skewMsMax: SKEW_MS_MAX, rare, zooKeeperFaults },
      onArrived: (arrival) => this.#arrived(arrival),
      ...(logger !== undefined && { logger }),
    });
    this.#groupLog = new GroupLogCheck(tally, (_, partition, offset) => this.#handledUpTo(partition) >= offset);
    this.#random = this.#world.random;
    this.#admin = new Admin(this.#world.operatorClient(this.#cluster.bootstrapServers));
  }

  /** A hash of all that happened. @throws Error when an invariant is broken */
  async run(): Promise<string> {
    await this.#all.start();
    await this.#world.settle(
      this.#admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }], { timeoutMs: 30_000 }),
    );
    this.#invariants.check(this.#cluster.brokers);
    this.#world.isFaulty = true;
    this.#startReader();
    const endMs = this.#world.nowMs + this.#faultsMs;
    while (this.#world.nowMs < endMs) {
      this.#startMissing();
      this.#world.inflict(this.#onceIn, { ...this.#all.faults.actions, ...this.#faults });
      await this.#step();
    }
    await this.#calmDown();
    await this.#goOnWithoutOne();
    await this.#checkFinally();
    this.#tally.add("settled");
    for (const process of this.#processes()) process.kill();
    this.#world.operator.kill();
    this.#cluster.killAll();
    return this.#world.trace.hash;
  }

  acknowledged(topic: string, partition: number, offset: number, value: string): void {
    this.#saw(topic, partition, offset, value, "acknowledged");
  }

  read(topic: string, partition: number, offset: number, value: string): void {
    this.#saw(topic, partition, offset, value, "read");
    try {
      this.#invariants.wasRead(topic, partition, { offset, value });
    } catch (error) {
      this.violated(error);
    }
  }

  handled(_groupId: string, partition: number, offset: number): void {
    const handled = this.#handled.get(partition) ?? { upTo: 0, offsets: new Set<number>() };
    this.#handled.set(partition, handled);
    handled.offsets.add(offset);
    while (handled.offsets.has(handled.upTo)) handled.upTo++;
  }

  #handledUpTo(partition: number): number {
    return this.#handled.get(partition)?.upTo ?? 0;
  }

  /** All along what the group's coordinators write holds to {@link GroupLogCheck}: above all, no commit goes back. */
  async #step(): Promise<void> {
    await this.#all.step();
    const broker = this.#cluster.anyRunning;
    if (broker !== undefined) this.#groupLog.read(broker).catch((error: unknown) => this.violated(error));
  }

  violated(error: unknown): void {
    this.#world.violated(error);
  }

  /** On the world's clock. */
  get nowMs(): number {
    return this.#world.nowMs;
  }

  #saw(topic: string, partition: number, offset: number, value: string, how: string): void {
    try {
      this.#invariants.saw(topic, partition, { offset, value }, how);
    } catch (error) {
      this.violated(error);
    }
  }

  get #world() {
    return this.#all.world;
  }

  get #cluster() {
    return this.#all.cluster;
  }

  get #invariants() {
    return this.#all.invariants;
  }

  #arrived({ exchange: { apiName, client } }: Arrival): void {
    if (apiName === "Fetch" && client === this.#reader?.process) this.#invariants.noteHighWatermarks();
  }

  get #common() {
    return {
      network: this.#world.network,
      bootstrapServers: this.#cluster.bootstrapServers,
      tally: this.#tally,
      observer: this,
    };
  }

  #startReader(): void {
    const { process } = this.#world.newProcess("reader-");
    this.#reader = new TopicReader({ ...this.#common, process, topic: TOPIC, partitions: PARTITIONS });
  }

  #startMissing(): void {
    const alive = this.#writers.filter(({ process }) => !process.isDead);
    for (let missing = WRITERS - alive.length; missing > 0; missing--) {
      const own = { topic: TOPIC, partitions: PARTITIONS };
      this.#writers.push(new SteadyWriter({ ...this.#common, ...this.#newClient("writer-"), ...own }));
    }
    if (this.#churnWriter?.process.isDead ?? true) this.#startChurnWriter();
    this.#members = this.#members.filter(({ isAlive }) => isAlive);
    while (this.#members.length < MEMBERS) this.#startMember();
  }

  /** What is acknowledged of such a topic may be deleted with it: that replicas agree is all that holds. */
  #startChurnWriter(): void {
    const observer = { acknowledged: () => this.#tally.add("record of a changing topic acknowledged") };
    this.#churnWriter = new SteadyWriter({
      ...{ ...this.#common, ...this.#newClient("churn-writer-"), observer },
      ...{ topic: CHURN[0]!, partitions: 1 },
    });
  }

  #startMember(): void {
    const { process, seed } = this.#newClient("member-");
    const spec = {
      ...{ groupId: "group", instanceId: null, topic: TOPIC, bootstrapServers: this.#cluster.bootstrapServers },
      options:
        this.#world.seed % 2 === 0 ? ({ groupProtocol: "classic" } as const) : ({ groupProtocol: "consumer" } as const),
    };
    const member = new SimulatedMember(spec, process, this.#world.network, seed, this.#tally, this);
    member.mayHang = false;
    this.#members.push(member);
  }

  #newClient(name: string) {
    return this.#world.newProcess(name, { skewMs: this.#all.aSkewMs() });
  }

  *#processes(): IterableIterator<SimulatedProcess> {
    for (const { process } of this.#writers) yield process;
    for (const { process } of this.#members) yield process;
    if (this.#churnWriter !== undefined) yield this.#churnWriter.process;
    if (this.#reader !== undefined) yield this.#reader.process;
  }

  readonly #faults: Record<Exclude<Fault, keyof typeof CLUSTER_FAULTS>, () => boolean> = {
    crashWriter: () => this.#crash(this.#writers.filter(({ process }) => !process.isDead)),
    crashMember: () => this.#crash(this.#members),
    createTopic: () => {
      const name = this.#world.anyOf(CHURN)!;
      const minInsync = 1 + this.#random.nextInt(2);
      const configs = { "min.insync.replicas": minInsync };
      this.#all.operate(this.#admin.createTopics([{ name, partitions: 1, configs }], { timeoutMs: 20_000 }));
      return true;
    },
    deleteTopic: () => {
      this.#all.operate(this.#admin.deleteTopics([this.#world.anyOf(CHURN)!], { timeoutMs: 20_000 }));
      return true;
    },
    addPartitions: () => {
      const topic = this.#world.anyOf(CHURN)!;
      const count = (this.#all.truth.image.topicsByName.get(topic)?.partitions.length ?? 0) + 1;
      if (count < 2 || count > 4) return false;
      this.#all.operate(this.#admin.createPartitions([{ topic, count }], { timeoutMs: 20_000 }));
      return true;
    },
    deleteRecords: () => {
      const topic = this.#world.anyOf(CHURN)!;
      this.#all.operate(
        this.#admin.deleteRecords([{ topic, partition: 0, beforeOffset: "latest" }], { timeoutMs: 20_000 }),
      );
      return true;
    },
    changeConfig: () => {
      const value = String(1_000_000 + this.#random.nextInt(1_000_000));
      const changes = [{ key: "max.message.bytes", value, operation: "set" }] as const;
      this.#all.operate(
        this.#admin.incrementalAlterConfigs([{ type: "topic", name: TOPIC, changes }], { timeoutMs: 20_000 }),
      );
      return true;
    },
    reassign: () =>
      this.#all.reassign(() => {
        const topic = this.#world.anyOf([TOPIC, ...CHURN])!;
        return [topic, topic === TOPIC ? this.#random.nextInt(PARTITIONS) : 0];
      }),
    electLeaders: () => this.#all.electLeaders(TOPIC, PARTITIONS),
  };

  #crash(alive: readonly { readonly process: SimulatedProcess }[]): boolean {
    const victim = this.#world.anyOf(alive);
    victim?.process.kill();
    return victim !== undefined;
  }

  /** No more faults: everything becomes whole again, and what waits is done. */
  async #calmDown(): Promise<void> {
    this.#all.calmDown();
    for (const writer of this.#writers) writer.stop();
    this.#startMissing();
    for (const writer of this.#writers) writer.stop();
    this.#churnWriter?.stop();
    await this.#untilSettled();
  }

  #untilSettled(): Promise<void> {
    return this.#until(() => this.#unsettled());
  }

  /** Until nothing is `amiss` any more. */
  async #until(amiss: () => string | null): Promise<void> {
    const endMs = this.#world.nowMs + QUIET_MS_MAX;
    for (;;) {
      await this.#step();
      const what = amiss();
      if (what === null) return;
      if (this.#world.nowMs > endMs) throw new Error(`after ${QUIET_MS_MAX} ms of calm ${what}`);
    }
  }

  #unsettled(): string | null {
    const waiting = this.#writers.find(({ pending }) => pending > 0);
    if (waiting !== undefined) return `${waiting.process.name} waits for ${waiting.pending} records`;
    return this.#all.unsettled() ?? this.#unread();
  }

  /** What a reader has yet to read. */
  #unread(): string | null {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      // Who leads by the metadata may not have heard of it yet.
      const end = this.#cluster.leaderOf(TOPIC, partition)?.log.highWatermark;
      if (end === undefined) return `nobody takes itself for the leader of partition ${partition}`;
      const handled = this.#handled.get(partition)?.offsets.size ?? 0;
      if (handled < end) return `the group has handled ${handled} of ${end} records of partition ${partition}`;
      const position = this.#reader!.positionOf(partition);
      if (position < end) return `the reader is at ${position} of ${end} in partition ${partition}`;
    }
    return null;
  }

  /** A leader stands still and does not come back: the others do without it, and every client finds them. */
  async #goOnWithoutOne(): Promise<void> {
    const { partitions } = this.#all.truth.image.topicsByName.get(TOPIC)!;
    const leaderIds = partitions.map(({ leader }) => leader);
    const isDispensable = (id: number) =>
      partitions.every(({ replicas }) => replicas.filter((replica) => replica !== id).length >= MIN_INSYNC_REPLICAS);
    const leaderId = this.#world.anyOf(leaderIds.filter(isDispensable));
    if (leaderId === undefined) return;
    await this.#all.untilFaultsAreOver();
    const resume = this.#all.standStill(this.#cluster.brokers[leaderId - 1]!);
    await this.#writeToEach();
    await this.#until(() => this.#unread());
    resume();
    await this.#untilSettled();
    this.#tally.add("went on without one");
  }

  async #writeToEach(): Promise<void> {
    const last = this.#writers.find(({ process }) => !process.isDead)!;
    for (let partition = 0; partition < PARTITIONS; partition++) await this.#world.settle(last.writeTo(partition));
  }

  /** One record more to each partition is acknowledged; then all is where it should be. */
  async #checkFinally(): Promise<void> {
    await this.#writeToEach();
    await this.#untilSettled();
    await this.#world.settle(this.#invariants.checkFinally(this.#cluster.running, [TOPIC]));
    await this.#world.settle(this.#checkOrder());
  }

  /** Of each writer every record is there once, in the order in which it wrote them. */
  async #checkOrder(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const values = await this.#invariants.valuesOf(this.#cluster.leaderOf(TOPIC, partition)!.log);
      const last = new Map<string, number>();
      for (const value of values) {
        const [writer, number] = value.split(".");
        const before = last.get(writer!) ?? -1;
        if (Number(number) <= before)
          throw new Error(`${TOPIC}-${partition} has record ${number} of ${writer} behind ${before}`);
        last.set(writer!, Number(number));
      }
    }
  }
}
