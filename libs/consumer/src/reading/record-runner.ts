import { aborted, sleep, toKafkaError } from "@ottla/client/internal";
import { onAbort, type Runtime } from "@ottla/runtime";
import type { OperationTracing, ProcessContext } from "../diagnostics/contract.ts";
import type { EventSource } from "../events.ts";
import type { HandedOut, PartitionState } from "../partitions/partition-state.ts";
import type { ConsumerRecord } from "../record.ts";
import { toDeadLetter } from "./dead-letter.ts";
import type { Delivery, Runner } from "./delivery.ts";
import type { ReadingHost } from "./iterators.ts";
import type { Moment } from "./moment.ts";
import {
  type HandlerContext,
  type RecordHandler,
  type RunOptions,
  type RunSettings,
  resolveRunOptions,
} from "./run-options.ts";

/** So many records are taken ahead for each handler: enough that lanes with work are found, little to do again. */
const LOOKAHEAD_PER_HANDLER = 16;

/** What running needs of the rest of the consumer. */
export interface RunnerHost<K, V> extends ReadingHost {
  readonly delivery: Delivery<K, V>;
  readonly partitions: Iterable<PartitionState<K, V>>;
  readonly source: EventSource;
  // Handed in, not imported: bundlers make a chunk of its own of what a runner shares with a page's first one.
  readonly tracing: OperationTracing<ProcessContext> | undefined;
  createMoment(): Moment;
  onPartitionsChanged(): void;
}

interface Task<K, V> {
  readonly record: ConsumerRecord<K, V>;
  readonly state: PartitionState<K, V>;
  readonly handedOut: HandedOut;
  /** When it was last begun, as a running number. */
  begun: number;
}

/** Records that are to be handled one after another. Those that wait are `queue`; one at most is at work. */
interface Lane<K, V> {
  readonly key: unknown;
  readonly queue: Task<K, V>[];
}

const latin1 = /*#__PURE__*/ new TextDecoder("latin1");

/**
 * Handles records with several handlers at once, in lanes: one record of each lane at a time, in order. A record counts
 * as processed when it and all before it in its partition are finished, so that no commit goes past an unfinished one.
 */
export class RecordRunner<K, V> implements Runner {
  readonly #runtime: Runtime;
  readonly #host: RunnerHost<K, V>;
  readonly #settings: RunSettings;
  readonly #handler: RecordHandler<K, V>;
  readonly #lanes = new Map<unknown, Lane<K, V>>();
  /** Lanes with something to do and nobody at work, in turn. */
  #ready: Lane<K, V>[] = [];
  /** At work, the one begun longest ago first. */
  readonly #working = new Set<Task<K, V>>();
  readonly #stopping = new AbortController();
  readonly #changed: Moment;
  /** Taken and neither finished nor dropped. */
  #taken = 0;
  #begun = 0;
  /** What ended the run: whatever a handler throws, which may be nothing at all. */
  #failure: { readonly error: unknown } | undefined;

  /** @throws KafkaError INVALID_CONFIG that names the option */
  constructor(runtime: Runtime, host: RunnerHost<K, V>, options: RunOptions, handler: RecordHandler<K, V>) {
    this.#runtime = runtime;
    this.#host = host;
    this.#settings = resolveRunOptions(options);
    this.#changed = host.createMoment();
    this.#handler = handler;
  }

  get oldestInWork(): number | undefined {
    for (const task of this.#working) return task.begun;
    return undefined;
  }

  /** Goes on until the consumer is closed. @throws what ended the run */
  async run(): Promise<void> {
    const { delivery } = this.#host;
    const { signal } = this.#settings;
    if (signal?.aborted) throw aborted(signal);
    this.#host.beginLoop();
    const stopListening = onAbort(signal, () => this.#fail(aborted(signal!)));
    delivery.runner = this;
    try {
      await this.#takeAll();
    } catch (error) {
      this.#fail(error);
    }
    this.#stopping.abort();
    while (this.#working.size > 0) await this.#changed.next();
    stopListening();
    delivery.runner = undefined;
    this.#giveBack();
    this.#host.endLoop();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #takeAll(): Promise<void> {
    const { delivery } = this.#host;
    const takenMax = this.#settings.concurrency * LOOKAHEAD_PER_HANDLER;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (this.#taken >= takenMax) {
        await this.#changed.next(signal);
        continue;
      }
      const record = delivery.takeRecord() ?? (await delivery.nextRecord(signal));
      if (record === undefined) return;
      this.#take(record);
    }
  }

  #take(record: ConsumerRecord<K, V>): void {
    const state = this.#host.delivery.takeOver()!;
    const task = { record, state, handedOut: state.trackHandedOut(), begun: 0 };
    const key = this.#laneKey(task);
    let lane = this.#lanes.get(key);
    this.#taken++;
    if (lane !== undefined) {
      lane.queue.push(task);
      return;
    }
    lane = { key, queue: [task] };
    this.#lanes.set(key, lane);
    this.#ready.push(lane);
    this.#beginReady();
  }

  /** Two records with equal lane keys are handled one after the other. */
  #laneKey({ record, state }: Task<K, V>): unknown {
    if (this.#settings.orderBy === "partition") return state;
    const key = record.keyBytes;
    return key === null ? record : `${record.topic}:${record.partition}:${latin1.decode(key)}`;
  }

  #beginReady(): void {
    while (this.#working.size < this.#settings.concurrency && !this.#stopping.signal.aborted) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      const task = lane.queue.shift()!;
      if (isCurrent(task)) void this.#work(task, lane);
      else this.#leave(lane);
    }
  }

  /** A task of the lane is done with. */
  #leave(lane: Lane<K, V>): void {
    this.#taken--;
    if (lane.queue.length > 0) this.#ready.push(lane);
    else this.#lanes.delete(lane.key);
    this.#changed.give();
  }

  async #work(task: Task<K, V>, lane: Lane<K, V>): Promise<void> {
    const { delivery } = this.#host;
    delivery.beginWork(task.state);
    try {
      if (await this.#handle(task)) task.state.finish(task.handedOut);
    } catch (error) {
      this.#fail(error);
    }
    this.#working.delete(task);
    delivery.endWork(task.state);
    this.#leave(lane);
    this.#beginReady();
  }

  /** Returns whether the record is finished. @throws what ends the run */
  async #handle(task: Task<K, V>): Promise<boolean> {
    const { retries } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      this.#working.delete(task);
      task.begun = ++this.#begun;
      this.#working.add(task);
      const { lostSignal: signal } = task.state;
      try {
        await this.#call(task.record, { signal, attempt });
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (attempt > retries) return await this.#bury(task.record, error, attempt);
        if (!(await this.#backOff(attempt, task.state.leavingSignal))) return false;
      }
    }
  }

  #call(record: ConsumerRecord<K, V>, context: HandlerContext): Promise<void> | void {
    const { tracing, source } = this.#host;
    if (!tracing?.hasSubscribers) return this.#handler(record, context);
    const work = async () => await this.#handler(record, context);
    return tracing.tracePromise(work, { ...source, record, attempt: context.attempt });
  }

  async #bury(record: ConsumerRecord<K, V>, error: unknown, attempts: number): Promise<true> {
    const { deadLetter } = this.#settings;
    if (deadLetter === undefined) throw error;
    const { topic, partition, offset } = record;
    const fields = { topic, partition, offset, attempts, error: toKafkaError(error).message };
    this.#runtime.logger.warn("a record goes to the dead-letter topic", fields);
    await deadLetter.producer.send(toDeadLetter(deadLetter.topic, record, error));
    return true;
  }

  /** Returns whether to go on: not when the partition leaves, or the run ends. */
  async #backOff(attempt: number, leaving: AbortSignal): Promise<boolean> {
    const { backoffMs, backoffMaxMs } = this.#settings;
    const waitMs = Math.min(backoffMs * 2 ** (attempt - 1), backoffMaxMs);
    const isOver = AbortSignal.any([leaving, this.#stopping.signal]);
    await sleep(this.#runtime, waitMs, isOver).catch(() => {});
    return !isOver.aborted;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.abort();
    this.#changed.give();
  }

  /** What was taken and not finished is read again by whoever reads next. */
  #giveBack(): void {
    for (const state of this.#host.partitions) state.rewindToUnfinished();
    this.#host.onPartitionsChanged();
  }
}

/** Not one whose partition is on its way out, or was moved to another position meanwhile. */
function isCurrent<K, V>({ state, handedOut }: Task<K, V>): boolean {
  return !state.isHeld && state.isUnderWay(handedOut);
}
