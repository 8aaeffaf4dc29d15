import type { Broker } from "@ottla/broker";
import type { PartitionLog } from "@ottla/storage";
import type { SimulatedBroker } from "../simulated-broker.ts";
import { recordsOf } from "./log-records.ts";
import type { MetadataTruth } from "./metadata-truth.ts";

type Partition = NonNullable<ReturnType<Broker["services"]["partitions"]["get"]>>;

/** A record that a producer was told to be safe, or that a consumer was given. */
export interface SeenRecord {
  readonly offset: number;
  readonly value: string;
}

/** What is known of one partition of one topic, whatever its name was. */
class KnownPartition {
  /** By offset: what some replica had below its high watermark, with its epoch. It is the same for all, and for ever. */
  readonly committed = new Map<number, string>();
  readonly leaders = new Map<number, string>();
  highWatermark = 0;
}

/** How far a log has been looked at, in the leader epoch in which its broker was then. */
interface LookedAt {
  epoch: number;
  highWatermark: number;
  lastStableOffset: number;
  checkedTo: number;
  isBusy: boolean;
}

/**
 * What must hold of replicas whatever happens, looked at after each step:
 *
 * 1. In a leader epoch one broker leads.
 * 2. Within a leader epoch neither a replica's high watermark nor its leader's last stable offset goes back.
 * 3. Replicas agree on what is below their high watermarks, for ever.
 * 4. What a leader has committed every living member of the ISR has, as the metadata say it at that moment.
 * 5. What was acknowledged or read is what is committed there.
 * 6. What is read is below the high watermark of some replica.
 */
export class ClusterInvariants {
  readonly #truth: MetadataTruth;
  readonly #violated: (error: unknown) => void;
  readonly #partitions = new Map<string, KnownPartition>();
  #brokers: readonly SimulatedBroker[] = [];
  readonly #logs = new WeakMap<PartitionLog, LookedAt>();
  /** By topic and partition. */
  readonly #seen = new Map<string, Map<number, string>>();

  constructor(truth: MetadataTruth, violated: (error: unknown) => void) {
    this.#truth = truth;
    this.#violated = violated;
  }

  /** A consumer is about to be given something: how far is it committed? */
  noteHighWatermarks(): void {
    for (const { broker } of this.#brokers) {
      for (const partition of broker?.services.partitions.all() ?? []) {
        const known = this.#known(partition);
        known.highWatermark = Math.max(known.highWatermark, partition.log.highWatermark);
      }
    }
  }

  /** A consumer was given a record. */
  wasRead(topic: string, partition: number, { offset }: SeenRecord): void {
    const topicId = this.#truth.image.topicsByName.get(topic)?.topicId;
    const highWatermark = this.#partitions.get(`${topicId} ${partition}`)?.highWatermark ?? 0;
    if (offset >= highWatermark)
      throw new Error(`offset ${offset} of ${topic}-${partition} was read, and the high watermark is ${highWatermark}`);
  }

  /** A producer was told of it, or a consumer has it. */
  saw(topic: string, partition: number, { offset, value }: SeenRecord, how: string): void {
    const name = `${topic}-${partition}`;
    const seen = this.#seen.get(name) ?? new Map<number, string>();
    this.#seen.set(name, seen);
    const before = seen.get(offset);
    if (before !== undefined && before !== value)
      throw new Error(`${name} has ${before} at ${offset}, and ${value} was ${how}`);
    seen.set(offset, value);
  }

  /** How many records of a partition somebody has seen. */
  seenOf(topic: string, partition: number): ReadonlyMap<number, string> {
    return this.#seen.get(`${topic}-${partition}`) ?? new Map();
  }

  check(brokers: readonly SimulatedBroker[]): void {
    this.#brokers = brokers;
    for (const { broker, name } of brokers) {
      if (broker === undefined) continue;
      for (const partition of broker.services.partitions.all()) this.#checkReplica(name, partition);
    }
    this.checkIsrs();
  }

  /** At the end: every replica has all that anybody saw. */
  async checkFinally(running: readonly Broker[], topics: readonly string[]): Promise<void> {
    for (const { services } of running) {
      for (const { topic, partition, log } of services.partitions.all()) {
        if (!topics.includes(topic)) continue;
        const records = await recordsOf(log, log.logStartOffset, log.highWatermark);
        const byOffset = new Map(records.map(({ offset, value }) => [offset, value]));
        for (const [offset, value] of this.seenOf(topic, partition)) {
          if (offset < log.logStartOffset || byOffset.get(offset) === value) continue;
          throw new Error(
            `broker ${services.nodeId} has ${byOffset.get(offset)} at ${offset} of ${topic}-${partition}, where ${value} was`,
          );
        }
      }
    }
  }

  #known({ topicId, partition }: Partition): KnownPartition {
    const key = `${topicId} ${partition}`;
    const known = this.#partitions.get(key) ?? new KnownPartition();
    this.#partitions.set(key, known);
    return known;
  }

  #checkReplica(name: string, partition: Partition): void {
    const { log, leaderEpoch } = partition;
    const known = this.#known(partition);
    const where = `${partition.topic}-${partition.partition}`;
    if (partition.isLeader) {
      const other = known.leaders.get(leaderEpoch) ?? name;
      if (other !== name) throw new Error(`${other} and ${name} both lead epoch ${leaderEpoch} of ${where}`);
      known.leaders.set(leaderEpoch, name);
    }
    const looked = this.#logs.get(log) ?? newlyLookedAt(log);
    if (!this.#logs.has(log)) this.#watch(partition, looked, known, `${where} of ${name}`);
    look(looked, partition, where);
    if (log.highWatermark > known.highWatermark) known.highWatermark = log.highWatermark;
    this.#compare(log, looked, known, `${where} of ${name}`);
  }

  /** What takes place between two steps, too. */
  #watch(partition: Partition, looked: LookedAt, known: KnownPartition, where: string): void {
    const { log } = partition;
    this.#logs.set(log, looked);
    log.onAdvance(() => {
      const isHigher = log.highWatermark > looked.highWatermark;
      try {
        look(looked, partition, where);
      } catch (error) {
        this.#violated(error);
      }
      known.highWatermark = Math.max(known.highWatermark, log.highWatermark);
      if (isHigher && partition.isLeader) this.checkIsrs(partition);
    });
  }

  /** Reads what is newly committed. A broker that is killed meanwhile answers no more. */
  #compare(log: PartitionLog, looked: LookedAt, known: KnownPartition, where: string): void {
    const [from, to] = [Math.max(looked.checkedTo, log.logStartOffset), log.highWatermark];
    if (looked.isBusy || to <= from) return;
    looked.isBusy = true;
    recordsOf(log, from, to)
      .then((records) => {
        for (const { offset, epoch, value } of records) {
          const found = `${value} of epoch ${epoch}`;
          const committed = known.committed.get(offset) ?? found;
          if (committed !== found)
            throw new Error(`${where} has ${found} at ${offset}, below its high watermark, where ${committed} was`);
          known.committed.set(offset, found);
        }
        looked.checkedTo = to;
      })
      .catch((error: unknown) => {
        // Truncated or deleted while it was read.
        if (log.highWatermark >= to && log.logStartOffset <= from && !log.isOffline) this.#violated(error);
      })
      .finally(() => {
        looked.isBusy = false;
      });
  }

  /** What leaders have committed, of one partition or of all, is what the ISR has: whoever has moved. */
  checkIsrs(only?: Partition): void {
    try {
      this.#checkIsrs(only);
    } catch (error) {
      this.#violated(error);
    }
  }

  #checkIsrs(only: Partition | undefined): void {
    const { image } = this.#truth;
    const living = new Map<number, Broker>();
    for (const { broker } of this.#brokers) {
      // Who has been registered since may have lost what an earlier life had; the controller knows by its epoch.
      if (broker === undefined) continue;
      const { nodeId, brokerEpoch } = broker.services;
      if (image.brokers.get(String(nodeId))?.epoch === brokerEpoch()) living.set(nodeId, broker);
    }
    for (const [name, topic] of image.topicsByName) {
      if (only !== undefined && only.topicId !== topic.topicId) continue;
      for (const { partition, leader, leaderEpoch, isr } of topic.partitions) {
        if (only !== undefined && only.partition !== partition) continue;
        const led = living.get(leader)?.services.partitions.getById(topic.topicId, partition);
        if (led === undefined || !led.isLeader || led.leaderEpoch !== leaderEpoch) continue;
        const { highWatermark } = led.log;
        for (const id of isr) {
          const log = living.get(id)?.services.partitions.getById(topic.topicId, partition)?.log;
          if (log === undefined || log.isOffline || log.logEndOffset >= highWatermark) continue;
          throw new Error(
            `${name}-${partition}: broker ${leader} has committed up to ${highWatermark}, and broker ${id} of its ISR ${isr} has only ${log.logEndOffset}`,
          );
        }
      }
    }
  }

  /** Whether every partition is whole, or what of it is not. */
  unsettled(running: readonly Broker[]): string | null {
    const { image } = this.#truth;
    for (const [name, topic] of image.topicsByName) {
      for (const { partition, leader, isr, replicas } of topic.partitions) {
        if (leader < 0) return `${name}-${partition} has no leader`;
        if (isr.length < replicas.length) return `${name}-${partition} has ISR ${isr} of ${replicas}`;
        const problem = this.#unlike(running, topic.topicId, partition, replicas);
        if (problem !== null) return `${name}-${partition}: ${problem}`;
      }
    }
    return null;
  }

  #unlike(running: readonly Broker[], topicId: string, partition: number, replicas: readonly number[]): string | null {
    const ends = new Set<string>();
    for (const { services } of running) {
      if (!replicas.includes(services.nodeId)) continue;
      const log = services.partitions.getById(topicId, partition)?.log;
      if (log === undefined) return `broker ${services.nodeId} has no replica`;
      if (log.highWatermark < log.logEndOffset) return `broker ${services.nodeId} has uncommitted records`;
      ends.add(String(log.logEndOffset));
    }
    return ends.size > 1 ? `replicas end at ${[...ends].join(" and ")}` : null;
  }

  /** The values of a log's records, in order. */
  async valuesOf(log: PartitionLog): Promise<string[]> {
    return (await recordsOf(log, log.logStartOffset, log.highWatermark)).map(({ value }) => value);
  }
}

function newlyLookedAt({ logStartOffset }: PartitionLog): LookedAt {
  return { epoch: -1, highWatermark: 0, lastStableOffset: 0, checkedTo: logStartOffset, isBusy: false };
}

/**
 * A follower that has been started anew no longer knows of markers above its high watermark that its snapshot counts (as in
 * Kafka: whoever is given those transactions' records is given the right ones, for their ends are decided). Its last stable
 * offset goes back when it is truncated below such a marker.
 * @throws Error where an offset went back within a leader epoch
 */
function look(looked: LookedAt, { leaderEpoch, log, isLeader }: Partition, where: string): void {
  const { epoch, highWatermark, lastStableOffset } = looked;
  looked.epoch = leaderEpoch;
  looked.highWatermark = log.highWatermark;
  looked.lastStableOffset = log.lastStableOffset;
  if (epoch !== leaderEpoch) return;
  if (log.highWatermark < highWatermark) throw wentBack("high watermark", highWatermark, log.highWatermark);
  if (isLeader && log.lastStableOffset < lastStableOffset)
    throw wentBack("last stable offset", lastStableOffset, log.lastStableOffset);

  function wentBack(what: string, from: number, to: number): Error {
    return new Error(`the ${what} of ${where} went from ${from} to ${to} in leader epoch ${epoch}`);
  }
}
