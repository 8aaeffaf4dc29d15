import { Consumer, type ConsumerOptions, type TopicPartition } from "@ottla/consumer";
import { type Random, seededRandom } from "@ottla/runtime";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import type { Tally } from "../tally.ts";

export const SESSION_TIMEOUT_MS = 6_000;
export const HEARTBEAT_INTERVAL_MS = 1_000;
/** A handler that takes longer hangs; so long a rebalance of the classic protocol waits for a member. */
export const MAX_POLL_INTERVAL_MS = 8_000;

export interface MemberSpec {
  readonly groupId: string;
  readonly instanceId: string | null;
  readonly topic: string;
  readonly bootstrapServers: string;
  readonly options: Partial<ConsumerOptions>;
}

/** Who hears of what a member reads. */
export interface MemberObserver {
  handled(groupId: string, partition: number, offset: number): void;
  violated(error: unknown): void;
}

/** Errors that rightly end a member. */
const RIGHTFUL_ENDS: ReadonlySet<string> = new Set(["FENCED_INSTANCE_ID", "GROUP_MAX_SIZE_REACHED"]);

const HANG_MS = 2 * MAX_POLL_INTERVAL_MS;

/** A process with a consumer of the SDK that reads and handles records, at times slowly, and now and then hangs. */
export class SimulatedMember {
  readonly spec: MemberSpec;
  readonly process: SimulatedProcess;
  readonly consumer: Consumer;
  /** Until this moment something that was done to it explains that it waits. */
  disturbedUntilMs = 0;
  mayHang = true;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #observer: MemberObserver;
  /** The offset to be read next, by partition, since the partition was assigned last. */
  readonly #next = new Map<number, number>();
  #isLeaving = false;

  constructor(
    spec: MemberSpec,
    process: SimulatedProcess,
    network: SimulatedNetwork,
    seed: number,
    tally: Tally,
    observer: MemberObserver,
  ) {
    this.spec = spec;
    this.process = process;
    this.#random = seededRandom(seed);
    this.#tally = tally;
    this.#observer = observer;
    this.consumer = new Consumer({
      bootstrapServers: spec.bootstrapServers,
      clientId: process.name,
      connector: network.connectorOf(process),
      runtime: process.runtime,
      groupId: spec.groupId,
      ...(spec.instanceId !== null && { groupInstanceId: spec.instanceId }),
      topics: spec.topic,
      autoOffsetReset: "earliest",
      autoCommitIntervalMs: 300 + this.#random.nextInt(1_500),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      maxPollIntervalMs: MAX_POLL_INTERVAL_MS,
      requestTimeoutMs: 3_000,
      metadataMaxAgeMs: 5_000,
      fetchMaxWaitMs: 1_500,
      maxPollRecords: 1 + this.#random.nextInt(20),
      rebalanceListener: {
        onAssigned: (partitions) => this.#forget(partitions),
        onRevoked: (partitions) => this.#forget(partitions),
        onLost: (partitions) => this.#forget(partitions),
      },
      ...spec.options,
    });
    this.#listen();
    void this.#read();
  }

  get isAlive(): boolean {
    return !this.process.isDead && !this.#isLeaving;
  }

  /** Who owns what this member owns: two lives of one static member are the same owner. */
  get ownerId(): string {
    return this.spec.instanceId ?? this.consumer.groupMetadata().memberId;
  }

  get isStable(): boolean {
    return this.consumer.membershipState === "stable";
  }

  crash(): void {
    this.process.kill();
  }

  /** Closes in good order; the process ends when that is done. */
  leave(): void {
    this.#isLeaving = true;
    void this.consumer.close({ timeoutMs: 5_000 }).finally(() => this.process.kill());
  }

  #listen(): void {
    const { options } = this.spec;
    const protocol = options.groupProtocol ?? "classic";
    this.consumer.on("membership", ({ from, to }) => this.#tally.add(`${protocol} member: ${from} -> ${to}`));
    for (const event of ["revoked", "lost", "handlerHangs", "commitFailed", "stall", "recovered"] as const) {
      this.consumer.on(event, () => this.#tally.add(`${protocol} member: ${event}`));
    }
    this.consumer.on("failed", ({ error }) => {
      this.#tally.add(`${protocol} member: failed with ${error.code}`);
      if (!RIGHTFUL_ENDS.has(error.code)) this.#observer.violated(error);
      this.process.kill();
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const batch of this.consumer.batches()) {
        for (const { partition, offset } of batch) this.#handle(partition, offset);
        await this.#work();
      }
    } catch (error) {
      if (!this.process.isDead) this.#observer.violated(error);
    }
  }

  #handle(partition: number, offset: number): void {
    const expected = this.#next.get(partition);
    if (expected !== undefined && offset !== expected) {
      throw new Error(`${this.process.name} reads ${offset} of partition ${partition} where ${expected} comes next`);
    }
    this.#next.set(partition, offset + 1);
    this.#observer.handled(this.spec.groupId, partition, offset);
  }

  async #work(): Promise<void> {
    const hangs = this.mayHang && this.#random.nextInt(400) === 0;
    const workMs = hangs ? HANG_MS : this.#random.nextInt(4) === 0 ? this.#random.nextInt(300) : 0;
    if (hangs) this.disturbedUntilMs = this.process.runtime.clock.monotonicMs() + HANG_MS;
    if (workMs > 0) await new Promise<void>((resolve) => this.process.runtime.timers.schedule(workMs, resolve));
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const { partition } of partitions) this.#next.delete(partition);
  }
}
