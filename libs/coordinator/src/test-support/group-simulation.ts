import { ErrorCode } from "@ottla/protocol";
import { type Random, seededRandom } from "@ottla/runtime";
import { decodeGroupRecord } from "../records/group-record.ts";
import { ShardHarness } from "./shard-harness.ts";
import {
  type ConsumerObserver,
  REBALANCE_TIMEOUT_MS,
  SimulatedConsumer,
  STATIC_SESSION_TIMEOUT_MS,
} from "./simulated-consumer.ts";

const STEP_MS = 200;
const PARTITIONS = Array.from({ length: 12 }, (_, index) => `t-${index}`);
const CONSUMERS_MAX = 8;
const INSTANCES = ["i0", "i1", "i2"];

/** Beyond this nobody may wait: members that stay away are given up after a rebalance timeout, leaders after a session. */
const WAIT_MS_MAX = 3 * REBALANCE_TIMEOUT_MS + 2 * STATIC_SESSION_TIMEOUT_MS;
const QUIET_MS = 2 * WAIT_MS_MAX;

/** How often each fault is tried, in one of so many steps. */
const FAULTS = {
  start: 15,
  crash: 120,
  leave: 150,
  pause: 150,
  disconnect: 40,
  restartStatic: 100,
  twin: 400,
  refuseRecords: 60,
  crashCoordinator: 300,
  moveCoordinator: 400,
} as const;

export type Fault = keyof typeof FAULTS;

/** How often things happened, over any number of runs. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  get(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  toString(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join("\n");
  }
}

/**
 * One group, consumers that come and go in every way, a log that is slow and at times refuses records, a coordinator
 * that is killed and moves. Everything follows from the seed. Throws when an invariant is broken:
 *
 * 1. In a generation a partition has one owner (or two consumers with one instance id, of which one is fenced).
 * 2. Generations never go back in the log.
 * 3. Nobody waits longer than timeouts allow.
 * 4. A committed offset that was acknowledged never goes back.
 * 5. When the faults end, the group becomes stable, and every partition has one living owner.
 */
export class GroupSimulation implements ConsumerObserver {
  private readonly random: Random;
  private readonly tally: Tally;
  private readonly harness: ShardHarness;
  private consumers: SimulatedConsumer[] = [];
  private readonly owners = new Map<string, string>();
  private readonly acknowledged = new Map<string, number>();
  private started = 0;
  private nextOffset = 1;
  private lastState = "none";

  constructor(seed: number, tally: Tally) {
    this.random = seededRandom(seed);
    this.tally = tally;
    const delayMs = this.random.nextInt(2) * 3_000;
    this.harness = new ShardHarness({ groupInitialRebalanceDelayMs: delayMs, groupMaxSize: 7 }, seed);
    this.harness.holdsCommits = true;
  }

  run(durationMs: number): void {
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += STEP_MS) {
      for (const fault of Object.keys(FAULTS) as Fault[]) {
        if (this.random.nextInt(FAULTS[fault]) === 0) this.inflict(fault);
      }
      if (this.random.nextInt(4) === 0) this.harness.commitOne();
      this.step();
    }
    this.calmDown();
  }

  private step(): void {
    for (const consumer of this.consumers) {
      consumer.act();
      this.checkWait(consumer);
      if (this.random.nextInt(20) === 0) this.commit(consumer);
    }
    this.noteState();
    this.harness.advance(STEP_MS);
    this.noteState();
    if (this.random.nextInt(50) === 0) this.checkOffsets();
  }

  private commit(consumer: SimulatedConsumer): void {
    const offset = this.nextOffset++;
    const partition = consumer.owned[offset % Math.max(consumer.owned.length, 1)];
    consumer.commit(offset, (errorCode) => {
      if (errorCode === ErrorCode.NONE) this.acknowledged.set(partition!, offset);
    });
  }

  private noteState(): void {
    const state = this.harness.state();
    if (state !== this.lastState) this.tally.add(`${this.lastState} -> ${state}`);
    this.lastState = state;
  }

  private inflict(fault: Fault): void {
    if (this.faults[fault]()) this.tally.add(`fault ${fault}`);
  }

  private readonly faults: Record<Fault, () => boolean> = {
    start: () => this.startConsumer(this.random.nextInt(4) === 0 ? this.freeInstance() : null),
    crash: () => this.toOne((consumer) => consumer.crash()),
    leave: () => this.toOne((consumer) => consumer.leave()),
    pause: () =>
      this.toOne((consumer) => {
        consumer.pausedUntilMs = this.harness.monotonicMs + this.random.nextInt(30_000);
      }),
    disconnect: () => this.toOne((consumer) => consumer.disconnect()),
    restartStatic: () => {
      const victim = this.consumers.find(({ instanceId, isAlive }) => instanceId !== null && isAlive);
      victim?.crash();
      return victim !== undefined && this.startConsumer(victim.instanceId);
    },
    twin: () => {
      const original = this.consumers.find(({ instanceId, isAlive }) => instanceId !== null && isAlive);
      return original !== undefined && this.startConsumer(original.instanceId);
    },
    refuseRecords: () => {
      if (this.harness.uncommittedRecords === 0) return false;
      this.harness.failAll(ErrorCode.NOT_ENOUGH_REPLICAS);
      return true;
    },
    crashCoordinator: () => {
      for (const consumer of this.consumers) consumer.disconnect();
      this.harness.crashAndReload();
      return true;
    },
    moveCoordinator: () => {
      this.harness.unloadAndReload();
      return true;
    },
  };

  private toOne(action: (consumer: SimulatedConsumer) => void): boolean {
    const alive = this.consumers.filter(({ isAlive }) => isAlive);
    if (alive.length === 0) return false;
    action(alive[this.random.nextInt(alive.length)]!);
    return true;
  }

  private freeInstance(): string | null {
    const taken = new Set(this.consumers.filter(({ isAlive }) => isAlive).map(({ instanceId }) => instanceId));
    return INSTANCES.find((instance) => !taken.has(instance)) ?? null;
  }

  private startConsumer(instanceId: string | null): boolean {
    this.consumers = this.consumers.filter(({ isAlive }) => isAlive);
    if (this.consumers.length >= CONSUMERS_MAX) return false;
    const world = { harness: this.harness, partitions: PARTITIONS, observer: this };
    this.consumers.push(new SimulatedConsumer(`c${this.started++}`, instanceId, world));
    return true;
  }

  assigned({ name, instanceId, generationId, owned }: SimulatedConsumer): void {
    const owner = instanceId ?? name;
    for (const partition of owned) {
      const key = `${generationId} ${partition}`;
      const other = this.owners.get(key);
      if (other !== undefined && other !== owner) {
        throw new Error(`generation ${generationId}: ${partition} belongs to ${other} and to ${owner}`);
      }
      this.owners.set(key, owner);
    }
  }

  errorSeen(api: string, errorCode: number): void {
    this.tally.add(`${api} answered ${errorCode}`);
  }

  private checkWait(consumer: SimulatedConsumer): void {
    const nowMs = this.harness.monotonicMs;
    if ((consumer.state !== "joining" && consumer.state !== "syncing") || nowMs < consumer.pausedUntilMs) return;
    const since = Math.max(consumer.waitingSinceMs, consumer.pausedUntilMs);
    if (nowMs - since <= WAIT_MS_MAX) return;
    throw new Error(`${consumer.name} has been ${consumer.state} for ${nowMs - since} ms`);
  }

  private checkOffsets(): void {
    const before = new Map(this.acknowledged);
    this.harness.fetchTicket(null).onAnswer((answer) => {
      if (answer.errorCode) return;
      const fetched = new Map<string, number>(
        answer.topics.flatMap(({ name, partitions }) =>
          partitions.map(
            ({ partitionIndex, committedOffset }) => [`${name}-${partitionIndex}`, committedOffset] as const,
          ),
        ),
      );
      for (const [partition, offset] of before) {
        const now = fetched.get(partition) ?? -1;
        if (now < offset) throw new Error(`${partition} was committed at ${offset} and is now at ${now}`);
      }
    });
  }

  /** No more faults: what is there has to settle. */
  private calmDown(): void {
    this.harness.commitAll();
    this.harness.holdsCommits = false;
    this.dismissTwins();
    for (let elapsedMs = 0; elapsedMs < QUIET_MS; elapsedMs += STEP_MS) this.step();
    this.checkGenerations();
    const alive = this.consumers.filter(({ isAlive }) => isAlive);
    if (alive.length === 0) return;
    const unstable = alive.filter(
      ({ state }) => state !== "stable" && alive.length <= this.harness.config.groupMaxSize,
    );
    if (unstable.length > 0) throw new Error(`${unstable.map(({ name, state }) => `${name} is ${state}`).join(", ")}`);
    const owned = alive.flatMap((consumer) => consumer.owned).sort();
    if (owned.join() !== [...PARTITIONS].sort().join()) throw new Error(`in the end these are owned: ${owned.join()}`);
    this.tally.add("settled");
  }

  private checkGenerations(): void {
    let latest = 0;
    for (const entry of this.harness.log) {
      if ("outcome" in entry) continue;
      const record = decodeGroupRecord(entry.key, entry.value);
      if (record.type !== "groupMetadata" || record.value === null) continue;
      const { generation } = record.value;
      if (generation < latest) throw new Error(`generation ${generation} follows ${latest} in the log`);
      latest = generation;
    }
  }

  /** Two consumers with one instance id would fence each other for ever. */
  private dismissTwins(): void {
    const seen = new Set<string>();
    for (const consumer of this.consumers) {
      if (!consumer.isAlive || consumer.instanceId === null) continue;
      if (seen.has(consumer.instanceId)) consumer.crash();
      seen.add(consumer.instanceId);
    }
  }
}
