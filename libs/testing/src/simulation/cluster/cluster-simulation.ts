import { Admin } from "@ottla/admin";
import type { CrashKind, Logger, Random } from "@ottla/runtime";
import type { ModelFault } from "@ottla/zookeeper";
import { type MemberObserver, SimulatedMember } from "../groups/simulated-member.ts";
import { SimulatedCluster, ZOOKEEPER_SESSION_MS } from "../simulated-cluster.ts";
import type { Arrival, Exchange, Fate } from "../simulated-link.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import { SimulatedWorld } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { ClusterInvariants } from "./cluster-invariants.ts";
import { CLUSTER_APIS, countAnswer, ReorderCount } from "./cluster-wire.ts";
import { MetadataTruth } from "./metadata-truth.ts";
import { OperatorRequests } from "./operator-requests.ts";
import { SteadyWriter } from "./steady-writer.ts";
import { TopicReader } from "./topic-reader.ts";
import { Unsafe } from "./unsafe.ts";

const BROKERS = 3;
const TOPIC = "orders";
const PARTITIONS = 3;
/** Topics that come and go, and change. */
const CHURN = ["churn-a", "churn-b"];
const WRITERS = 2;
const MEMBERS = 2;
/** So long after the last fault everything is whole again. */
const QUIET_MS_MAX = 90_000;
/** Clocks are this far apart at the most. */
const SKEW_MS_MAX = 5 * 3_600_000;
/** As much as quartz may be off, many times over. */
const RATE_OFF_MAX = 0.02;

const CONFIG = {
  "offsets.topic.num.partitions": 1,
  "group.min.session.timeout.ms": 1_000,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": 6_000,
  "group.consumer.min.heartbeat.interval.ms": 500,
  "group.consumer.heartbeat.interval.ms": 1_000,
  "log.cleaner.enable": false,
  "log.roll.ms": 5_000,
  "log.index.interval.bytes": 512,
  "log.flush.offset.checkpoint.interval.ms": 3_000,
  "replica.high.watermark.checkpoint.interval.ms": 1_000,
  // Hours apart, and nobody is to be refused for it.
  "log.message.timestamp.after.max.ms": 10 * SKEW_MS_MAX,
  "auto.create.topics.enable": false,
  "max.incremental.fetch.session.cache.slots": 4,
};

const ZOOKEEPER_FAULTS: Readonly<Record<ModelFault, number>> = {
  "lost-request": 300,
  "lost-answer": 300,
  "late-request": 300,
  "stale-read": 40,
};

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  kill: 110,
  powerCut: 110,
  stop: 160,
  pause: 160,
  diskFull: 250,
  isolate: 250,
  cutPair: 200,
  cutOneWay: 110,
  lag: 150,
  breakConnection: 20,
  clockJump: 100,
  cutFromZooKeeper: 200,
  expireSession: 150,
  breakZooKeeperConnection: 60,
  zooKeeperFailover: 250,
  zooKeeperOutage: 400,
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

/** What happens once in so many times at occasions of its own: a request comes late, a new controller is paused at once. */
const RARE = { lateAlterPartition: 4, lateRequest: 1_000, joinerLoses: 4, electedPaused: 4 };

export interface ClusterSimulationOptions {
  /** Faults that are to be tried more often, or less. */
  readonly onceIn?: Readonly<Partial<Record<Fault, number>>>;
  readonly rare?: Readonly<Partial<Record<keyof typeof RARE, number>>>;
  /** How long faults go on. */
  readonly faultsMs?: number;
  readonly logger?: Logger;
}

/**
 * Three brokers on an ensemble of ZooKeeper, with writers, a group and a reader that use the SDKs, while everything goes
 * wrong that can: brokers that are killed, lose what they had not synced, stop, pause and wake as zombies; networks that
 * fail one way, delay, lose and reorder; sessions that expire, ensembles that fail over and fail; clocks that are hours
 * apart and jump; topics that come and go. Everything follows from the seed.
 *
 * All along {@link ClusterInvariants} and {@link MetadataTruth} hold. When the faults end every partition is whole again,
 * whatever waits is acknowledged, and every replica and reader has all that was acknowledged, once and in order.
 */
export class ClusterSimulation implements MemberObserver {
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #cluster: SimulatedCluster;
  readonly #truth: MetadataTruth;
  readonly #invariants: ClusterInvariants;
  readonly #unsafe: Unsafe;
  readonly #reorders: ReorderCount;
  readonly #admin: Admin;
  readonly #operator: OperatorRequests;
  readonly #faultsMs: number;
  readonly #onceIn: Readonly<Record<Fault, number>>;
  readonly #rare: Readonly<Record<keyof typeof RARE, number>>;
  readonly #writers: SteadyWriter[] = [];
  readonly #handled = new Map<number, Set<number>>();
  #members: SimulatedMember[] = [];
  #reader: TopicReader | undefined;

  constructor(
    seed: number,
    tally: Tally,
    { faultsMs = 30_000, onceIn = {}, rare = {}, logger }: ClusterSimulationOptions = {},
  ) {
    this.#onceIn = { ...FAULTS, ...onceIn };
    this.#rare = { ...RARE, ...rare };
    this.#tally = tally;
    this.#faultsMs = faultsMs;
    this.#world = new SimulatedWorld({
      ...{ seed, tally },
      fateOf: (exchange, direction) => this.#fateOf(exchange, direction),
      latencyMs: () => this.#latencyMs(),
      onArrived: (arrival) => this.#arrived(arrival),
    });
    this.#random = this.#world.random;
    this.#reorders = new ReorderCount(tally);
    this.#truth = new MetadataTruth(tally, (error) => this.violated(error));
    this.#truth.onElected = (brokerId) => this.#elected(brokerId);
    this.#invariants = new ClusterInvariants(this.#truth, (error) => this.violated(error));
    this.#cluster = new SimulatedCluster({
      ...{ world: this.#world, brokers: BROKERS, config: CONFIG, zooKeeperFaults: ZOOKEEPER_FAULTS },
      clock: () => ({ skewMs: this.#aSkewMs(), rate: 1 + RATE_OFF_MAX * (2 * this.#random.nextFloat() - 1) }),
      onCommit: (commit) => {
        this.#truth.onCommit(commit);
        this.#invariants.checkIsrs();
      },
      ...(logger !== undefined && { logger }),
    });
    this.#unsafe = new Unsafe(this.#truth);
    const client = this.#world.operatorClient(this.#cluster.bootstrapServers);
    this.#admin = new Admin(client);
    this.#operator = new OperatorRequests({ ...client, clientId: "operator", requestTimeoutMs: 20_000 });
  }

  /** A hash of all that happened. @throws Error when an invariant is broken */
  async run(): Promise<string> {
    this.#world.isFaulty = false;
    await this.#world.settle(this.#cluster.start());
    await this.#world.settle(
      this.#admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }], { timeoutMs: 30_000 }),
    );
    this.#invariants.check(this.#cluster.brokers);
    this.#world.isFaulty = true;
    this.#startReader();
    const endMs = this.#world.nowMs + this.#faultsMs;
    while (this.#world.nowMs < endMs) {
      this.#startMissing();
      this.#world.inflict(this.#onceIn, this.#faults);
      await this.#step();
    }
    await this.#calmDown();
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
    const handled = this.#handled.get(partition) ?? new Set<number>();
    this.#handled.set(partition, handled.add(offset));
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

  async #step(): Promise<void> {
    await this.#world.step();
    this.#invariants.check(this.#cluster.brokers);
  }

  #aSkewMs(): number {
    return this.#random.nextInt(2 * SKEW_MS_MAX) - SKEW_MS_MAX;
  }

  #latencyMs(): number {
    const { isFaulty } = this.#world;
    if (!isFaulty || this.#random.nextInt(200) > 0) return 0.1 + this.#random.nextFloat();
    this.#tally.add("delayed message");
    return this.#random.nextInt(3_000);
  }

  #fateOf({ apiName, client }: Exchange, direction: "request" | "response"): Fate {
    const fate = this.#anyFate(apiName, direction, client);
    if (fate !== "arrives" && CLUSTER_APIS.has(apiName)) this.#tally.add(`${fate} ${direction}: ${apiName}`);
    return fate;
  }

  /** What comes late comes to a cluster that has changed: above all what leaders ask of the controller has to bear that. */
  #anyFate(apiName: string, direction: "request" | "response", client: SimulatedProcess): Fate {
    const isProposal = apiName === "AlterPartition" && direction === "request";
    if (isProposal && this.#world.happens(this.#rare.joinerLoses) && this.#joinerLoses(client)) return "late";
    const { lateAlterPartition, lateRequest } = this.#rare;
    const lateOnceIn = apiName === "AlterPartition" ? lateAlterPartition : lateRequest;
    if (direction === "request" && this.#world.happens(lateOnceIn)) return "late";
    const dice = this.#random.nextInt(800);
    if (dice > 2) return "arrives";
    return dice === 0 ? "silence" : "lost";
  }

  #arrived(arrival: Arrival): void {
    this.#reorders.arrived(arrival);
    const { apiName, client } = arrival.exchange;
    if (apiName === "Fetch" && client === this.#reader?.process) this.#invariants.noteHighWatermarks();
    if (arrival.direction === "response") countAnswer(this.#tally, arrival.exchange, arrival.frame);
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
    this.#members = this.#members.filter(({ isAlive }) => isAlive);
    while (this.#members.length < MEMBERS) this.#startMember();
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
    return this.#world.newProcess(name, { skewMs: this.#aSkewMs() });
  }

  *#processes(): IterableIterator<SimulatedProcess> {
    for (const { process } of this.#writers) yield process;
    for (const { process } of this.#members) yield process;
    if (this.#reader !== undefined) yield this.#reader.process;
  }

  readonly #faults: Record<Fault, () => boolean> = {
    kill: () => this.#kill("process"),
    powerCut: () => this.#kill("power"),
    stop: () => this.#cluster.toOne((broker) => this.#cluster.stop(broker)),
    /** Mostly for longer than its sessions last: it wakes as a zombie. */
    pause: () =>
      this.#cluster.toOne((broker) => {
        const durationMs = 500 + this.#random.nextInt(3 * ZOOKEEPER_SESSION_MS);
        if (durationMs > ZOOKEEPER_SESSION_MS) this.#tally.add("zombie");
        this.#cluster.pause(broker, durationMs);
      }),
    diskFull: () =>
      this.#cluster.toOne((broker) => this.#cluster.fillDisk(broker, 0.5, 50 + this.#random.nextInt(500))),
    isolate: () =>
      this.#cluster.toOne(({ process }) => {
        process!.isCutOff = true;
        this.#world.later(500 + this.#random.nextInt(8_000), () => {
          process!.isCutOff = false;
        });
      }),
    cutPair: () => this.#cut(true),
    cutOneWay: () => this.#cut(false),
    lag: () =>
      this.#cluster.toOne(({ process }) => {
        process!.lagMs = this.#random.nextInt(400);
        this.#world.later(1_000 + this.#random.nextInt(5_000), () => {
          process!.lagMs = 0;
        });
      }),
    breakConnection: () => this.#world.breakConnection(),
    clockJump: () =>
      this.#cluster.toOne(({ process }) => {
        process!.skewMs = this.#aSkewMs();
      }),
    cutFromZooKeeper: () =>
      this.#toSession((session) => {
        session.partition();
        this.#world.later(200 + this.#random.nextInt(2 * ZOOKEEPER_SESSION_MS), () => session.heal());
      }),
    expireSession: () => this.#toSession((session) => session.expire()),
    breakZooKeeperConnection: () => this.#toSession((session) => session.breakConnection()),
    zooKeeperFailover: () => this.#failZooKeeper(50 + this.#random.nextInt(500)),
    zooKeeperOutage: () => this.#failZooKeeper(ZOOKEEPER_SESSION_MS + this.#random.nextInt(2 * ZOOKEEPER_SESSION_MS)),
    crashWriter: () => this.#crash(this.#writers.filter(({ process }) => !process.isDead)),
    crashMember: () => this.#crash(this.#members),
    createTopic: () => {
      const name = this.#world.anyOf(CHURN)!;
      const minInsync = 1 + this.#random.nextInt(2);
      const configs = { "min.insync.replicas": minInsync };
      this.#operate(this.#admin.createTopics([{ name, partitions: 1, configs }], { timeoutMs: 20_000 }));
      return true;
    },
    deleteTopic: () => {
      this.#operate(this.#admin.deleteTopics([this.#world.anyOf(CHURN)!], { timeoutMs: 20_000 }));
      return true;
    },
    addPartitions: () => {
      const topic = this.#world.anyOf(CHURN)!;
      const count = (this.#truth.image.topicsByName.get(topic)?.partitions.length ?? 0) + 1;
      if (count < 2 || count > 4) return false;
      this.#operate(this.#admin.createPartitions([{ topic, count }], { timeoutMs: 20_000 }));
      return true;
    },
    deleteRecords: () => {
      const topic = this.#world.anyOf(CHURN)!;
      this.#operate(
        this.#admin.deleteRecords([{ topic, partition: 0, beforeOffset: "latest" }], { timeoutMs: 20_000 }),
      );
      return true;
    },
    changeConfig: () => {
      const value = String(1_000_000 + this.#random.nextInt(1_000_000));
      const changes = [{ key: "max.message.bytes", value, operation: "set" }] as const;
      this.#operate(
        this.#admin.incrementalAlterConfigs([{ type: "topic", name: TOPIC, changes }], { timeoutMs: 20_000 }),
      );
      return true;
    },
    reassign: () => this.#reassign(),
    electLeaders: () => this.#electLeaders(),
  };

  /**
   * A leader has asked for a larger ISR, and is cut off before it is heard; until it is back, whoever was to join has lost
   * its unsynced data and lives anew.
   */
  #joinerLoses(leader: SimulatedProcess): boolean {
    const broker = this.#cluster.candidates.find(({ process }) => process === leader)?.broker;
    for (const { leadership, image } of broker?.services.partitions.all() ?? []) {
      const joiningId = leadership?.maximalIsr.find((id) => !image.isr.includes(id));
      const joining = this.#cluster.candidates.find((one) => one.broker?.services.nodeId === joiningId);
      if (joining === undefined || !this.#unsafe.mayLose(joining, "power")) continue;
      this.#unsafe.loses(joining, "power");
      this.#tally.add("fault joinerLoses");
      leader.isCutOff = true;
      this.#world.later(1_000 + this.#random.nextInt(1_500), () => {
        leader.isCutOff = false;
      });
      this.#world.later(0, () => this.#cluster.kill(joining, "power", 20));
      return true;
    }
    return false;
  }

  /** Whoever is elected stands still before it has done anything, and its predecessor finds the ensemble again. */
  #elected(brokerId: number): void {
    if (!this.#world.isFaulty || !this.#world.happens(this.#rare.electedPaused)) return;
    this.#tally.add("fault electedPaused");
    const elected = this.#cluster.brokers[brokerId - 1]!;
    this.#world.later(0, () => {
      this.#cluster.pause(elected, 300 + this.#random.nextInt(1_500));
      for (const other of this.#cluster.brokers) if (other !== elected) this.#cluster.sessionOf(other)?.heal();
    });
  }

  /** Any of the partitions gets other replicas: two or all, in another order, so that others are preferred. */
  #reassign(): boolean {
    const broker = this.#world.anyOf(this.#cluster.candidates);
    if (broker === undefined) return false;
    const topic = this.#world.anyOf([TOPIC, ...CHURN])!;
    const left = Array.from({ length: BROKERS }, (_, index) => index + 1);
    const replicas: number[] = [];
    for (let count = BROKERS - this.#random.nextInt(2); count > 0; count--)
      replicas.push(...left.splice(this.#random.nextInt(left.length), 1));
    const partition = topic === TOPIC ? this.#random.nextInt(PARTITIONS) : 0;
    this.#operate(this.#operator.reassign(broker.name, topic, partition, replicas));
    return true;
  }

  #electLeaders(): boolean {
    const broker = this.#world.anyOf(this.#cluster.candidates);
    if (broker === undefined) return false;
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    this.#operate(this.#operator.electPreferred(broker.name, TOPIC, partitions));
    return true;
  }

  /** What the operator asks for may be refused or take too long: what becomes of it the metadata show. */
  #operate(asked: Promise<unknown>): void {
    asked.then(
      () => this.#tally.add("operation done"),
      (error: { readonly code?: string }) => this.#tally.add(`operation refused: ${error.code}`),
    );
  }

  #kill(kind: CrashKind): boolean {
    const broker = this.#world.anyOf(this.#cluster.candidates.filter((one) => this.#unsafe.mayLose(one, kind)));
    if (broker === undefined) return false;
    this.#unsafe.loses(broker, kind);
    // Some are back before anybody has noticed.
    const downMs = this.#random.nextInt(3) === 0 ? 20 : 500 + this.#random.nextInt(6_000);
    this.#cluster.kill(broker, kind, downMs);
    return true;
  }

  #toSession(action: (session: NonNullable<ReturnType<SimulatedCluster["sessionOf"]>>) => void): boolean {
    const session = this.#cluster.sessionOf(this.#world.anyOf(this.#cluster.candidates));
    if (session !== undefined) action(session);
    return session !== undefined;
  }

  #failZooKeeper(durationMs: number): boolean {
    const { model } = this.#cluster.zooKeeper!;
    if (model.isDown) return false;
    model.fail();
    this.#world.later(durationMs, () => model.recover());
    return true;
  }

  #cut(bothWays: boolean): boolean {
    const { network } = this.#world;
    const from = this.#world.anyOf(this.#cluster.brokers)!.name;
    const to = this.#world.anyOf(this.#cluster.brokers.filter(({ name }) => name !== from))!.name;
    network.block(from, to);
    if (bothWays) network.block(to, from);
    this.#world.later(500 + this.#random.nextInt(8_000), () => {
      network.unblock(from, to);
      if (bothWays) network.unblock(to, from);
    });
    return true;
  }

  #crash(alive: readonly { readonly process: SimulatedProcess }[]): boolean {
    const victim = this.#world.anyOf(alive);
    victim?.process.kill();
    return victim !== undefined;
  }

  /** No more faults: everything becomes whole again, and what waits is done. */
  async #calmDown(): Promise<void> {
    this.#world.isFaulty = false;
    this.#cluster.heal();
    for (const writer of this.#writers) writer.stop();
    this.#startMissing();
    for (const writer of this.#writers) writer.stop();
    await this.#untilSettled();
  }

  async #untilSettled(): Promise<void> {
    const endMs = this.#world.nowMs + QUIET_MS_MAX;
    for (;;) {
      await this.#step();
      const unsettled = this.#unsettled();
      if (unsettled === null) return;
      if (this.#world.nowMs > endMs) throw new Error(`after ${QUIET_MS_MAX} ms of calm ${unsettled}`);
    }
  }

  #unsettled(): string | null {
    const { running } = this.#cluster;
    if (running.length < BROKERS) return `only ${running.length} brokers serve`;
    const waiting = this.#writers.find(({ pending }) => pending > 0);
    if (waiting !== undefined) return `${waiting.process.name} waits for ${waiting.pending} records`;
    const unsettled = this.#invariants.unsettled(running);
    if (unsettled !== null) return unsettled;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      // Who leads by the metadata may not have heard of it yet.
      const end = this.#cluster.leaderOf(TOPIC, partition)?.log.highWatermark;
      if (end === undefined) return `nobody takes itself for the leader of partition ${partition}`;
      const handled = this.#handled.get(partition)?.size ?? 0;
      if (handled < end) return `the group has handled ${handled} of ${end} records of partition ${partition}`;
      const position = this.#reader!.positionOf(partition);
      if (position < end) return `the reader is at ${position} of ${end} in partition ${partition}`;
    }
    return null;
  }

  /** One record more to each partition is acknowledged; then all is where it should be. */
  async #checkFinally(): Promise<void> {
    const last = this.#writers.find(({ process }) => !process.isDead)!;
    for (let partition = 0; partition < PARTITIONS; partition++) await this.#world.settle(last.writeTo(partition));
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
