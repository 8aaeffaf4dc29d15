import { Admin } from "@ottla/admin";
import type { ConsumerOptions } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import type { Logger, Random } from "@ottla/runtime";
import { SimulatedCluster } from "../simulated-cluster.ts";
import type { Exchange, Fate } from "../simulated-link.ts";
import { SimulatedWorld, STEP_MS } from "../simulated-world.ts";
import type { Tally } from "../tally.ts";
import { claim, GroupLogCheck } from "./group-log-check.ts";
import { MAX_POLL_INTERVAL_MS, type MemberObserver, SESSION_TIMEOUT_MS, SimulatedMember } from "./simulated-member.ts";
import { countAnswer, isGroupApi } from "./wire-log.ts";

const FAULTS_MS = 45_000;
const TOPIC = "t";
const PARTITIONS = 12;
const PARTITIONS_MAX = 16;
const GROUP_SIZE_MAX = 12;
const INSTANCES = ["i0", "i1", "i2", "i3"];

/** Beyond this nobody may wait for the answer of a JoinGroup or SyncGroup while nothing disturbs. */
const WAIT_MS_MAX = MAX_POLL_INTERVAL_MS + 2_000;
/** So long after the last fault everything has settled. */
const QUIET_MS_MAX = 6 * MAX_POLL_INTERVAL_MS;
/** And it stays so. */
const SETTLED_MS = 2_000;

const BROKER_CONFIG = {
  "offsets.topic.num.partitions": 2,
  "group.min.session.timeout.ms": 1_000,
  "group.max.size": GROUP_SIZE_MAX,
  "group.consumer.max.size": GROUP_SIZE_MAX,
  "group.consumer.min.session.timeout.ms": 1_000,
  "group.consumer.session.timeout.ms": SESSION_TIMEOUT_MS,
  "group.consumer.min.heartbeat.interval.ms": 500,
  "group.consumer.heartbeat.interval.ms": 1_000,
  "log.cleaner.enable": false,
};

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  start: 8,
  crowd: 150,
  leave: 40,
  crash: 40,
  restartStatic: 40,
  twin: 250,
  exodus: 250,
  pause: 25,
  lag: 40,
  cutOff: 50,
  breakConnection: 25,
  addPartitions: 150,
  killBroker: 200,
  stopBroker: 300,
  pauseBroker: 120,
  diskFull: 200,
} as const;

export type Fault = keyof typeof FAULTS;

export const faults = Object.keys(FAULTS) as Fault[];

interface Group {
  readonly id: string;
  readonly options: Partial<ConsumerOptions>;
}

/** The ways of the classic protocol; seeds take turns. */
const CLASSIC: readonly Partial<ConsumerOptions>[] = [
  { partitionAssignors: ["range"] },
  { partitionAssignors: ["cooperative-sticky"] },
  { partitionAssignors: ["sticky"] },
  { partitionAssignors: ["cooperative-sticky"] },
];

const CONSUMER: readonly Partial<ConsumerOptions>[] = [
  { groupProtocol: "consumer" },
  { groupProtocol: "consumer", groupRemoteAssignor: "range" },
];

/**
 * A broker, and two groups that read the same topic, one of each protocol, while everything goes wrong that can:
 * consumers of the SDK that join, leave, crash, pause, lag, hang, are cut off, lose messages and come back; a broker that
 * is killed, stopped and paused, and reads its groups from its log again. Everything follows from the seed.
 *
 * All along, {@link GroupLogCheck} holds true; a partition has one owner in a generation or epoch as members see it;
 * members read without a gap; and no answer to a JoinGroup or SyncGroup takes longer than timeouts allow. When the faults
 * end, every member becomes stable, every partition has one living owner, and every record has been handled and committed.
 */
export class GroupSimulation implements MemberObserver {
  readonly #world: SimulatedWorld;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #cluster: SimulatedCluster;
  readonly #groups: readonly Group[];
  readonly #check: GroupLogCheck;
  readonly #admin: Admin;
  readonly #producer: Producer;
  readonly #owners = new Map<string, string>();
  /** By group and partition: which offsets were handled, and up to where all of them. */
  readonly #handled = new Map<string, { upTo: number; readonly beyond: Set<number> }>();
  readonly #states = new Map<string, string>();
  #members: SimulatedMember[] = [];
  #partitionCount = PARTITIONS;
  #isListing = false;
  /** When the broker was disturbed last. */
  #brokerDisturbedMs = 0;

  constructor(seed: number, tally: Tally, logger?: Logger) {
    this.#tally = tally;
    this.#world = new SimulatedWorld({
      ...{ seed, tally },
      fateOf: (exchange, direction) => this.#fateOf(exchange, direction),
      onArrived: ({ exchange, direction, frame }) => {
        if (direction === "response") countAnswer(tally, exchange, frame);
      },
    });
    this.#random = this.#world.random;
    this.#cluster = new SimulatedCluster({
      ...{ world: this.#world, brokers: 1 },
      config: { ...BROKER_CONFIG, "group.initial.rebalance.delay.ms": (seed % 2) * 1_000 },
      onDisturbed: (durationMs) => this.#disturbBroker(durationMs),
      ...(logger !== undefined && { logger }),
    });
    this.#groups = [
      { id: "classic", options: CLASSIC[seed % CLASSIC.length]! },
      { id: "consumer", options: CONSUMER[seed % CONSUMER.length]! },
    ];
    this.#check = new GroupLogCheck(tally, (groupId, partition, offset) => this.#upTo(groupId, partition) >= offset);
    const client = this.#world.operatorClient(this.#cluster.bootstrapServers);
    this.#admin = new Admin(client);
    this.#producer = new Producer(client);
  }

  /** @throws Error when an invariant is broken */
  async run(): Promise<void> {
    await this.#world.settle(this.#cluster.start());
    await this.#world.settle(this.#admin.createTopics([{ name: TOPIC, partitions: PARTITIONS }]));
    const endMs = this.#nowMs + FAULTS_MS;
    while (this.#nowMs < endMs) {
      this.#world.inflict(FAULTS, this.#faults);
      if (this.#random.nextInt(2) === 0) this.#write();
      await this.#step();
    }
    await this.#calmDown();
    this.#tally.add("settled");
    for (const { process } of this.#members) process.kill();
    this.#world.operator.kill();
    this.#cluster.killAll();
  }

  handled(groupId: string, partition: number, offset: number): void {
    const key = `${groupId} ${partition}`;
    const handled = this.#handled.get(key) ?? { upTo: 0, beyond: new Set() };
    this.#handled.set(key, handled);
    if (offset < handled.upTo || handled.beyond.has(offset)) this.#tally.add("record handled again");
    if (offset >= handled.upTo) handled.beyond.add(offset);
    while (handled.beyond.delete(handled.upTo)) handled.upTo++;
  }

  violated(error: unknown): void {
    this.#world.violated(error);
  }

  get #nowMs(): number {
    return this.#world.nowMs;
  }

  get #alive(): SimulatedMember[] {
    return this.#members.filter(({ isAlive }) => isAlive);
  }

  #upTo(groupId: string, partition: number): number {
    return this.#handled.get(`${groupId} ${partition}`)?.upTo ?? 0;
  }

  async #step(): Promise<void> {
    await this.#world.step();
    this.#checkOwners();
    this.#checkWaits();
    const broker = this.#cluster.anyRunning;
    if (broker !== undefined) this.#check.read(broker).catch((error: unknown) => this.violated(error));
    this.#listStates();
  }

  #write(): void {
    const partition = this.#random.nextInt(this.#partitionCount);
    const records = Array.from({ length: 1 + this.#random.nextInt(8) }, () => ({
      topic: TOPIC,
      partition,
      value: "v",
    }));
    // A record that a killed broker took along was never acknowledged; what is in the log counts.
    this.#producer.send(records).catch(() => {});
  }

  #listStates(): void {
    if (this.#isListing) return;
    this.#isListing = true;
    this.#admin
      .listGroups({ timeoutMs: 1_000 })
      .then((listed) => {
        for (const { id } of this.#groups) {
          this.#noteState(id, listed.find(({ groupId }) => groupId === id)?.state ?? "none");
        }
      })
      .catch(() => {})
      .finally(() => {
        this.#isListing = false;
      });
  }

  #noteState(groupId: string, state: string): void {
    const before = this.#states.get(groupId) ?? "none";
    if (state !== before) this.#tally.add(`${groupId} group: ${before} -> ${state}`);
    this.#states.set(groupId, state);
  }

  /** As members see it: whoever has joined an epoch knows what is its own in it. */
  #checkOwners(): void {
    for (const member of this.#alive) {
      if (!member.isStable) continue;
      const { generationId } = member.consumer.groupMetadata();
      for (const { partition } of member.consumer.assignment()) {
        claim(this.#owners, `${partition}`, member.ownerId, `group ${member.spec.groupId}, epoch ${generationId}`);
      }
    }
  }

  #checkWaits(): void {
    for (const link of this.#world.network.links) {
      for (const exchange of link.waiting) this.#checkWait(exchange);
    }
  }

  #checkWait({ apiName, client, sentMs }: Exchange): void {
    if (apiName !== "JoinGroup" && apiName !== "SyncGroup") return;
    const member = this.#members.find(({ process }) => process === client);
    if (member === undefined || !member.isAlive || client.isPaused || client.isCutOff) return;
    const sinceMs = Math.max(sentMs, member.disturbedUntilMs, this.#brokerDisturbedMs);
    if (this.#nowMs - sinceMs <= WAIT_MS_MAX) return;
    throw new Error(`${client.name} has waited ${this.#nowMs - sinceMs} ms for the answer of its ${apiName}`);
  }

  #fateOf({ apiName }: Exchange, direction: "request" | "response"): Fate {
    // What the group's members and its coordinator say to each other is little beside all the rest.
    const dice = this.#random.nextInt(isGroupApi(apiName) ? 200 : 400);
    if (dice > 2) return "arrives";
    const fate = dice === 0 ? "silence" : "lost";
    if (isGroupApi(apiName)) this.#tally.add(`${fate === "lost" ? "lost" : "silent"} ${direction}: ${apiName}`);
    return fate;
  }

  readonly #faults: Record<Fault, () => boolean> = {
    start: () => {
      const group = this.#groups[this.#random.nextInt(this.#groups.length)]!;
      if (this.#sizeOf(group) >= GROUP_SIZE_MAX) return false;
      return this.#start(group, this.#random.nextInt(3) === 0 ? this.#freeInstance(group) : null);
    },
    /** More members than there may be. */
    crowd: () => this.#groups.some((group) => this.#sizeOf(group) >= GROUP_SIZE_MAX - 1 && this.#start(group, null)),
    leave: () => this.#toOne((member) => member.leave()),
    crash: () => this.#toOne((member) => member.crash()),
    restartStatic: () => {
      const victim = this.#aStatic();
      victim?.crash();
      return victim !== undefined && this.#start(this.#groupOf(victim), victim.spec.instanceId);
    },
    twin: () => {
      const original = this.#aStatic();
      return original !== undefined && this.#start(this.#groupOf(original), original.spec.instanceId);
    },
    exodus: () => {
      const group = this.#groups[this.#random.nextInt(this.#groups.length)]!;
      const members = this.#alive.filter(({ spec }) => spec.groupId === group.id);
      for (const member of members) this.#random.nextInt(2) === 0 ? member.leave() : member.crash();
      return members.length > 0;
    },
    pause: () =>
      this.#toOne((member) =>
        this.#during(member, 200 + this.#random.nextInt(2 * SESSION_TIMEOUT_MS), {
          begin: () => member.process.pause(),
          end: () => member.process.resume(),
        }),
      ),
    lag: () =>
      this.#toOne((member) =>
        this.#during(member, 2_000 + this.#random.nextInt(8_000), {
          begin: () => {
            member.process.lagMs = this.#random.nextInt(800);
          },
          end: () => {
            member.process.lagMs = 0;
          },
        }),
      ),
    cutOff: () =>
      this.#toOne((member) =>
        this.#during(member, 500 + this.#random.nextInt(2 * SESSION_TIMEOUT_MS), {
          begin: () => {
            member.process.isCutOff = true;
          },
          end: () => {
            member.process.isCutOff = false;
          },
        }),
      ),
    breakConnection: () => this.#world.breakConnection(),
    addPartitions: () => {
      if (this.#partitionCount >= PARTITIONS_MAX) return false;
      const count = ++this.#partitionCount;
      // A broker that is killed over it may have done it or not: its image tells in the end.
      this.#admin.createPartitions([{ topic: TOPIC, count }], { timeoutMs: 30_000 }).catch(() => {});
      return true;
    },
    killBroker: () => this.#cluster.toOne((broker) => this.#cluster.kill(broker)),
    stopBroker: () => this.#cluster.toOne((broker) => this.#cluster.stop(broker)),
    pauseBroker: () => this.#cluster.toOne((broker) => this.#cluster.pause(broker, 100 + this.#random.nextInt(3_000))),
    diskFull: () => this.#cluster.toOne((broker) => this.#cluster.fillDisk(broker, 1, 50 + this.#random.nextInt(500))),
  };

  #disturbBroker(durationMs: number): void {
    this.#brokerDisturbedMs = Math.max(this.#brokerDisturbedMs, this.#nowMs + durationMs);
  }

  #toOne(action: (member: SimulatedMember) => void): boolean {
    const alive = this.#alive;
    if (alive.length === 0) return false;
    action(alive[this.#random.nextInt(alive.length)]!);
    return true;
  }

  #during(member: SimulatedMember, durationMs: number, effect: { begin(): void; end(): void }): void {
    effect.begin();
    const untilMs = this.#nowMs + durationMs;
    member.disturbedUntilMs = Math.max(member.disturbedUntilMs, untilMs);
    this.#world.later(durationMs, () => effect.end());
  }

  #aStatic(): SimulatedMember | undefined {
    const statics = this.#alive.filter(({ spec }) => spec.instanceId !== null);
    return statics[this.#random.nextInt(Math.max(statics.length, 1))];
  }

  #groupOf({ spec }: SimulatedMember): Group {
    return this.#groups.find(({ id }) => id === spec.groupId)!;
  }

  #sizeOf({ id }: Group): number {
    return this.#alive.filter(({ spec }) => spec.groupId === id).length;
  }

  #freeInstance({ id }: Group): string | null {
    const taken = new Set(this.#alive.filter(({ spec }) => spec.groupId === id).map(({ spec }) => spec.instanceId));
    return INSTANCES.find((instance) => !taken.has(instance)) ?? null;
  }

  #start({ id, options }: Group, instanceId: string | null): boolean {
    const { process, seed } = this.#world.newProcess(`${id}-`);
    const { bootstrapServers } = this.#cluster;
    const spec = { groupId: id, instanceId, topic: TOPIC, bootstrapServers, options };
    this.#members = this.#alive;
    this.#members.push(new SimulatedMember(spec, process, this.#world.network, seed + 1, this.#tally, this));
    return true;
  }

  /** No more faults: what is there has to settle. */
  async #calmDown(): Promise<void> {
    this.#world.isFaulty = false;
    this.#dismissTwins();
    for (const { process } of this.#alive) {
      process.resume();
      process.lagMs = 0;
      process.isCutOff = false;
    }
    for (const member of this.#alive) member.mayHang = false;
    // Crashed members count against the size of the group until their sessions are over.
    for (let waitedMs = 0; waitedMs < 2 * SESSION_TIMEOUT_MS; waitedMs += STEP_MS) await this.#step();
    for (const group of this.#groups) this.#start(group, null);
    const endMs = this.#nowMs + QUIET_MS_MAX;
    for (let settledMs = 0; settledMs < SETTLED_MS; ) {
      await this.#step();
      settledMs = this.#unsettled() === null ? settledMs + STEP_MS : 0;
      if (settledMs === 0 && this.#nowMs > endMs)
        throw new Error(`after ${QUIET_MS_MAX} ms of calm ${this.#unsettled()}`);
    }
  }

  /** Two consumers with one instance id fence each other for ever; more members than are allowed wait for ever. */
  #dismissTwins(): void {
    const seen = new Set<string>();
    const counts = new Map<string, number>();
    for (const member of this.#alive) {
      const { groupId, instanceId } = member.spec;
      const count = (counts.get(groupId) ?? 0) + 1;
      if ((instanceId !== null && seen.has(`${groupId} ${instanceId}`)) || count >= GROUP_SIZE_MAX) member.crash();
      else counts.set(groupId, count);
      seen.add(`${groupId} ${instanceId}`);
    }
  }

  /** What has not settled yet, or null. */
  #unsettled(): string | null {
    const broker = this.#cluster.anyRunning;
    if (broker === undefined) return "there is no broker";
    for (const { id } of this.#groups) {
      const members = this.#alive.filter(({ spec }) => spec.groupId === id);
      const unstable = members.find(({ isStable }) => !isStable);
      if (unstable !== undefined) return `${unstable.process.name} is ${unstable.consumer.membershipState}`;
      const owned = members.flatMap(({ consumer }) => consumer.assignment().map(({ partition }) => partition));
      const partitionCount = broker.services.image.topicsByName.get(TOPIC)?.partitions.length;
      const expected = Array.from({ length: partitionCount ?? 0 }, (_, index) => index);
      if (owned.sort((a, b) => a - b).join() !== expected.join()) return `group ${id} owns ${owned.join()}`;
      for (const partition of expected) {
        const end = broker.services.partitions.get(TOPIC, partition)?.log.highWatermark ?? -1;
        const handled = this.#upTo(id, partition);
        if (handled !== end) return `group ${id} has handled ${handled} of ${end} records of partition ${partition}`;
        const committed = this.#check.committedOf(id, partition);
        if (committed !== end) return `group ${id} has committed ${committed} of ${end} in partition ${partition}`;
      }
    }
    return null;
  }
}
