import { brokerHeartbeat, ELR_VERSION_FEATURE, fenceBroker, isActiveBroker, registerBroker } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import {
  createSimulatedDisk,
  type Logger,
  type Random,
  type SimulatedDisk,
  type SimulatedRuntime,
  seededRandom,
} from "@ottla/runtime";
import { registeredFeatures, supportedFeatures } from "../services/features.ts";
import { directoryOf, type ReplicaNode, ReplicaSet } from "./replica-set.ts";
import { ReplicationInvariants, recordsOf } from "./replication-invariants.ts";
import { batchOf } from "./test-broker.ts";

const LAG_MAX_MS = 2_000;
const ALL = [1, 2, 3];

/** How often each fault and transition took place, over many runs. */
export class Tally {
  readonly counts = new Map<string, number>();

  hit(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  toString(): string {
    return [...this.counts]
      .sort()
      .map(([what, count]) => `${String(count).padStart(7)} ${what}`)
      .join("\n");
  }
}

export interface SimulationOptions {
  readonly steps?: number;
}

/**
 * Three brokers with one partition under every kind of fault, as a seed decides: real partitions, logs, fetchers and wire
 * protocol over a simulated disk and network in virtual time, and the real controller's decisions on one image.
 */
export class ReplicationSimulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #steps: number;
  readonly #invariants = new ReplicationInvariants();
  readonly #down = new Set<number>();
  /** Brokers that hear nothing from the controller, nor it from them. */
  readonly #isolated = new Set<number>();
  /** The broker that has lost unsynced data and has not got it back yet. */
  #isRecoveringData = false;
  readonly #keepsElr: boolean;
  #set!: ReplicaSet;
  #nextValue = 0;
  #hash = 0x811c9dc5;

  constructor(seed: number, tally: Tally, options: SimulationOptions = {}) {
    this.#random = seededRandom(seed ^ 0x5eed);
    this.#tally = tally;
    this.#steps = options.steps ?? 250;
    this.#keepsElr = seed % 2 === 0;
    this.#seed = seed;
  }

  /** Runs it; a hash of all that happened. */
  async run(): Promise<number> {
    this.#set = await ReplicaSet.start({
      seed: this.#seed,
      config: { "replica.lag.time.max.ms": LAG_MAX_MS, "replica.fetch.max.bytes": 400 },
      topic: { minInsyncReplicas: 2, segmentBytes: 2_000, indexIntervalBytes: 100 },
      logger: this.#logger(),
      createDisk: (runtime) => this.#createDisk(runtime),
    });
    const set = this.#set;
    set.wire = () => ({ deliver: this.#wire() });
    set.onTheWayToController = (from, ask) => this.#toController(from, ask);
    if (this.#keepsElr) set.image = { ...set.image, features: new Map([[ELR_VERSION_FEATURE, 1]]) };
    set.change({ replicas: ALL, isr: ALL, leader: 1 });
    await this.#publishAll();
    for (let step = 0; step < this.#steps; step++) {
      await this.#step();
      await this.#invariants.check(set);
      this.#trace();
    }
    await this.#calm();
    await this.#invariants.checkFinally(set);
    await this.#whilePassing(set[Symbol.asyncDispose]());
    return this.#hash >>> 0;
  }

  /** Keeps what would be a hash of text small: FNV-1a. */
  #note(text: string): void {
    for (let at = 0; at < text.length; at++) this.#hash = Math.imul(this.#hash ^ text.charCodeAt(at), 0x01000193);
  }

  #trace(): void {
    const { image } = this.#set;
    const positions = [...this.#set.nodes.values()].map((node) => {
      const log = node.isUp ? node.registry.get("orders", 0)?.log : undefined;
      return log === undefined ? "-" : `${log.logStartOffset},${log.highWatermark},${log.logEndOffset}`;
    });
    this.#note(`${image.offset} ${positions.join(" ")}`);
  }

  #did(what: string): void {
    this.#tally.hit(what);
    this.#note(what);
  }

  async #step(): Promise<void> {
    const [, act] = this.#pick(this.#actions);
    await act();
    await this.#set.runtime.settle();
  }

  readonly #actions: readonly (readonly [weight: number, act: () => void | Promise<void>])[] = [
    [40, () => this.#produce()],
    [40, () => this.#pass(1 + this.#random.nextInt(100))],
    [10, () => this.#pass(100 + this.#random.nextInt(1_500))],
    [30, () => this.#publishTo(this.#any(ALL))],
    [12, () => this.#heartbeat()],
    [8, () => this.#fence()],
    [8, () => this.#restart()],
    [3, () => this.#kill("process")],
    [3, () => this.#kill("power")],
    [4, () => this.#bounce()],
    [3, () => this.#expireSession()],
    [1, () => this.#stopCleanly()],
    [5, () => this.#cut()],
    [6, () => this.#heal()],
    [4, () => this.#isolate()],
    [4, () => this.#moveLeader()],
    [2, () => this.#deleteRecords()],
    [10, () => this.#consume()],
  ];

  #pick<Item extends readonly [number, ...unknown[]]>(items: readonly Item[]): Item {
    let at = this.#random.nextInt(items.reduce((sum, [weight]) => sum + weight, 0));
    for (const item of items) {
      at -= item[0];
      if (at < 0) return item;
    }
    return items[0]!;
  }

  #any<Item>(items: readonly Item[]): Item {
    return items[this.#random.nextInt(items.length)]!;
  }

  #chance(percent: number): boolean {
    return this.#random.nextInt(100) < percent;
  }

  async #pass(ms: number): Promise<void> {
    await this.#set.runtime.advance(ms);
  }

  /** Lets time pass until something has come to pass that takes time. */
  async #whilePassing(work: Promise<void>): Promise<void> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    while (!isDone) await this.#pass(1);
    await done;
  }

  /** To whoever takes itself for the leader. */
  #produce(): void {
    const leaders = [...this.#set.nodes.values()].filter(
      (node) => node.isUp && node.registry.get("orders", 0)?.isLeader,
    );
    if (leaders.length === 0) return;
    if (leaders.length > 1) this.#did("two brokers take themselves for the leader");
    const node = this.#any(leaders);
    const partition = node.partition();
    const value = `v${this.#nextValue++}`;
    const acks = this.#chance(80) ? -1 : 1;
    try {
      const { append, committed } = partition.appendAsLeader(batchOf(value), { acks, origin: "client" });
      this.#invariants.led(partition.leaderEpoch, node.id);
      this.#did(`produce acks=${acks}`);
      if (acks === 1) return;
      committed.then(
        () => {
          this.#did("acknowledged");
          this.#invariants.acknowledged({ offset: append.baseOffset, value });
        },
        (error: unknown) => this.#did(`not acknowledged: ${nameOf(error)}`),
      );
    } catch (error) {
      this.#did(`refused: ${nameOf(error)}`);
    }
  }

  /** A consumer reads below the high watermark, at any replica. */
  async #consume(): Promise<void> {
    const node = this.#set.node(this.#any(ALL));
    const log = node.isUp ? node.registry.get("orders", 0)?.log : undefined;
    if (log === undefined) return;
    const from = Math.max(log.logStartOffset, log.highWatermark - 3);
    for (const [offset, value] of await recordsOf(log, from, log.highWatermark)) {
      this.#invariants.consumed({ offset, value });
    }
    this.#did("consume");
  }

  async #publishTo(id: number): Promise<void> {
    const node = this.#set.node(id);
    if (!node.isUp || this.#isolated.has(id)) return;
    // Nothing in it may wait for time to pass: another partition's leader must not hold up what this one has to do.
    await node.apply(this.#set.image);
  }

  async #publishAll(): Promise<void> {
    for (const id of ALL) await this.#publishTo(id);
  }

  /** Unfences a broker that has seen its registration. */
  #heartbeat(): void {
    this.#beat(this.#any(ALL));
  }

  #beat(id: number): void {
    const node = this.#set.node(id);
    if (!node.isUp || this.#isolated.has(node.id)) return;
    const beat = {
      brokerId: node.id,
      brokerEpoch: node.brokerEpoch,
      currentMetadataOffset: node.image.offset,
      wantFence: false,
      wantShutDown: false,
      offlineLogDirs: [],
    };
    try {
      this.#set.submit((state) => brokerHeartbeat(state, beat, { activeOffsetMin: 0, handedOverAt: null }));
    } catch (error) {
      this.#did(`heartbeat refused: ${nameOf(error)}`);
    }
  }

  /** The session of a broker that is down or cut off from the controller has ended. */
  #fence(): void {
    const candidates = ALL.filter((id) => this.#down.has(id) || this.#isolated.has(id));
    if (candidates.length === 0) return;
    const id = this.#any(candidates);
    const broker = this.#set.image.brokers.get(String(id));
    if (broker === undefined || broker.fenced) return;
    this.#did("fence");
    this.#set.submit((state) => fenceBroker(state, id, broker.epoch));
  }

  /** A broker that is alive is taken for dead for a while. */
  #expireSession(): void {
    const id = this.#any(ALL);
    const broker = this.#set.image.brokers.get(String(id));
    if (broker === undefined || broker.fenced) return;
    this.#did("a session expires");
    this.#set.submit((state) => fenceBroker(state, id, broker.epoch));
  }

  async #restart(): Promise<void> {
    if (this.#down.size === 0) return;
    const id = this.#any([...this.#down]);
    await this.#start(id);
    if (this.#chance(50)) await this.#publishTo(id);
  }

  async #start(id: number): Promise<void> {
    const node = await this.#set.restart(id);
    this.#down.delete(id);
    this.#did("restart");
    this.#register(node);
  }

  #register(node: ReplicaNode): void {
    const { id } = node;
    const registration = {
      brokerId: id,
      incarnationId: `AAAAAAAAAAAAAAAAAAA${String(this.#random.nextInt(90) + 10)}A`,
      endpoints: [],
      features: registeredFeatures(supportedFeatures),
      rack: null,
      logDirs: [directoryOf(id)],
      fenced: true,
      cleanShutdown: node.wasCleanStop,
    };
    const { brokerEpoch } = this.#set.submit((state) => registerBroker(state, registration));
    node.brokerEpoch = brokerEpoch;
    this.#did(`register after a ${node.wasCleanStop ? "clean" : "unclean"} stop`);
  }

  /**
   * `power` loses what was not synced. No more than one broker may have lost something before it has it back: more would
   * be more than min.insync.replicas stands for. And without ELR the last in sync is trusted even so.
   */
  #kill(kind: "process" | "power"): void {
    const up = ALL.filter((id) => this.#set.node(id).isUp);
    if (this.#set.partitionImage().isr.length === ALL.length && this.#down.size === 0) this.#isRecoveringData = false;
    if (up.length === 0 || this.#isRecoveringData) return;
    if (kind === "power") {
      const isSafe = this.#keepsElr && this.#down.size === 0 && this.#set.partitionImage().isr.length === ALL.length;
      if (!isSafe) return;
      this.#isRecoveringData = true;
    }
    this.#killNow(this.#any(up), kind);
  }

  #killNow(id: number, kind: "process" | "power"): void {
    const node = this.#set.node(id);
    node.kill();
    node.disk = (node.disk as SimulatedDisk).crash(kind);
    this.#down.add(id);
    this.#did(`kill: ${kind}`);
  }

  /** A replica that is catching up loses what it had not synced, and is back before anybody has noticed. */
  async #bounce(): Promise<void> {
    const { isr, eligibleLeaderReplicas: elr, lastKnownElr } = this.#set.partitionImage();
    const isTrusted = (id: number) => isr.includes(id) || elr.includes(id) || lastKnownElr.includes(id);
    const candidates = ALL.filter((id) => this.#set.node(id).isUp && !isTrusted(id));
    if (candidates.length === 0) return;
    const id = this.#any(candidates);
    this.#killNow(id, "power");
    await this.#start(id);
    await this.#publishTo(id);
    this.#beat(id);
    this.#did("bounce");
  }

  async #stopCleanly(): Promise<void> {
    const up = ALL.filter((id) => this.#set.node(id).isUp);
    if (up.length < 2) return;
    const id = this.#any(up);
    await this.#whilePassing(this.#set.node(id).stop());
    this.#down.add(id);
    this.#did("stop");
  }

  #cut(): void {
    const a = this.#any(ALL);
    this.#set.cut(a, this.#any(ALL.filter((id) => id !== a)));
    this.#did("cut");
  }

  #heal(): void {
    this.#set.heal();
    this.#isolated.clear();
    this.#did("heal");
  }

  #isolate(): void {
    this.#isolated.add(this.#any(ALL));
    this.#did("isolate from the controller");
  }

  /** Another replica in sync is made the leader, as by a preferred election or a controlled shutdown. */
  #moveLeader(): void {
    const { leader, isr } = this.#set.partitionImage();
    const others = isr.filter((id) => id !== leader && isActiveBroker(this.#set.image, id));
    if (leader < 0 || others.length === 0) return;
    const { topicId } = this.#set.image.topicsByName.get("orders")!;
    const to = this.#any(others);
    const record = { type: "PartitionChangeRecord" as const, topicId, partitionId: 0, leader: to };
    this.#set.submit(() => ({ records: [record], response: undefined }));
    this.#did("move the leader");
  }

  async #deleteRecords(): Promise<void> {
    const { leader } = this.#set.partitionImage();
    const node = leader > 0 ? this.#set.node(leader) : undefined;
    const partition = node?.isUp ? node.registry.get("orders", 0) : undefined;
    if (partition?.isLeader !== true) return;
    const { log } = partition;
    await log.advanceLogStartOffset(Math.floor((log.logStartOffset + log.highWatermark) / 2));
    this.#did("delete records");
  }

  async #toController<Answer>(from: ReplicaNode, ask: () => Answer): Promise<Answer> {
    await this.#delay(this.#chance(20) ? 1_500 : 50);
    if (this.#isolated.has(from.id) || !from.isUp || this.#chance(10)) {
      this.#did("a request to the controller is lost");
      throw KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT);
    }
    const isrBefore = this.#set.partitionImage().isr.length;
    const answer = ask();
    const isr = this.#set.partitionImage().isr.length;
    if (isr !== isrBefore) this.#did(isr < isrBefore ? "the ISR shrinks" : "the ISR grows");
    if (Array.isArray(answer)) for (const { errorCode } of answer) this.#did(`AlterPartition answered ${errorCode}`);
    await this.#delay(this.#chance(20) ? 3_000 : 50);
    if (this.#isolated.has(from.id) || this.#chance(15)) {
      this.#did("an answer of the controller is lost");
      throw KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT);
    }
    return answer;
  }

  #delay(upToMs: number): Promise<void> {
    const { timers } = this.#set.runtime;
    return new Promise((resolve) => void timers.schedule(1 + this.#random.nextInt(upToMs), resolve));
  }

  /** A wire keeps its order, and takes a while, now and then a long one. */
  #wire(): (callback: () => void) => void {
    const { clock, timers } = this.#set.runtime;
    let freeAtMs = 0;
    return (callback) => {
      const delayMs = this.#chance(3) ? this.#random.nextInt(700) : this.#random.nextInt(8);
      freeAtMs = Math.max(freeAtMs, clock.monotonicMs() + delayMs);
      timers.schedule(freeAtMs - clock.monotonicMs(), callback);
    };
  }

  /** All faults end; then the partition must come back to full strength by itself. */
  async #calm(): Promise<void> {
    this.#heal();
    while (this.#down.size > 0) await this.#restart();
    for (let round = 0; round < 60; round++) {
      for (const id of ALL) {
        await this.#publishTo(id);
        await this.#pass(50);
      }
      this.#unfenceAll();
      await this.#pass(1_000);
      await this.#invariants.check(this.#set);
      if (this.#isWhole()) return;
    }
    const { leader, isr } = this.#set.partitionImage();
    const nodes = [...this.#set.nodes.values()].map((node) => {
      const { log, role, leaderEpoch, image } = node.partition();
      return `${node.id}: ${role} in ${leaderEpoch}.${image.partitionEpoch}, ${log.logStartOffset} ${log.highWatermark} ${log.logEndOffset}, latest epoch ${log.latestLeaderEpoch}`;
    });
    const { eligibleLeaderReplicas: elr, lastKnownElr } = this.#set.partitionImage();
    throw new Error(
      `the partition does not recover: leader ${leader}, ISR ${isr}, ELR ${elr} (last known ${lastKnownElr}); ${nodes.join("; ")}`,
    );
  }

  #unfenceAll(): void {
    for (const id of ALL) this.#beat(id);
  }

  #isWhole(): boolean {
    const { leader, isr } = this.#set.partitionImage();
    if (leader < 0 || isr.length < ALL.length) return false;
    const ends = ALL.map((id) => this.#set.node(id).partition().log);
    return ends.every((log) => log.highWatermark === log.logEndOffset && log.logEndOffset === ends[0]!.logEndOffset);
  }

  #createDisk(runtime: SimulatedRuntime): SimulatedDisk {
    return createSimulatedDisk({ random: this.#random, timers: runtime.timers, clock: runtime.clock });
  }

  /** What the brokers say of themselves is counted too. */
  #logger(): Logger {
    const count = (message: string) => this.#did(`log: ${message}`);
    const logger: Logger = {
      error: count,
      warn: count,
      info: count,
      debug: () => {},
      debugEnabled: false,
      child: () => logger,
    };
    return logger;
  }
}

function nameOf(error: unknown): string {
  return error instanceof KafkaError ? error.code : String(error);
}
