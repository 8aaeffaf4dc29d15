import type { CoordinatorShard, EncodedRecord, Ticket } from "@ottla/coordinator/internal";
import { ErrorCode } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { PromiseTicket } from "./promise-ticket.ts";
import { type LogReplay, loadShard } from "./shard-loader.ts";
import { ShardRunner } from "./shard-runner.ts";

/** A shard that is to be loaded and run. */
export interface LoadableShard<Request, ShardRecord, Effect> {
  readonly shard: CoordinatorShard<Request, ShardRecord, Effect>;
  readonly replay: LogReplay;
  /** Does what a step asks for besides records and answers; `submit` gives the shard news of it. */
  readonly perform?: (effect: Effect, submit: (request: Request) => void) => void;
  /** Called when the shard is dropped: what `perform` has begun has no use any more. */
  readonly dropped?: () => void;
}

/** What kind of coordinator runs on a topic's partitions. */
export interface ShardHostOptions<Request, ShardRecord, Effect> {
  readonly topic: string;
  /** What the log calls that which is coordinated: `groups`, `transactions`. */
  readonly what: string;
  /**
   * Whether what a log holds is told although its end is not committed, while too few replicas are in sync for that.
   * Else its coordinators wait until other brokers are back. See docs/decisions/0283.
   */
  readonly servesUncommitted: boolean;
  /** Bytes to read at a time while loading. */
  readonly loadBufferBytes: () => number;
  readonly encode: (record: ShardRecord) => EncodedRecord;
  readonly create: (partition: Partition, leaderEpoch: number) => LoadableShard<Request, ShardRecord, Effect>;
}

/** A partition that this broker leads: it is being loaded, or coordinated here. */
interface Hosted<Request, ShardRecord, Effect> {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  loadable: LoadableShard<Request, ShardRecord, Effect>;
  /** Null while loading. */
  runner: ShardRunner<Request, ShardRecord, Effect> | null;
}

/** How long after a failed load the next one begins. */
const RELOAD_DELAY_MS = 1_000;

/**
 * The coordinators of one topic's partitions, as far as this broker leads those: one shard for each partition and leader
 * epoch, loaded when the leadership begins and dropped when it ends.
 */
export class ShardHost<Request, ShardRecord, Effect = never> {
  readonly #broker: BrokerServices;
  readonly #options: ShardHostOptions<Request, ShardRecord, Effect>;
  readonly #byPartition = new Map<number, Hosted<Request, ShardRecord, Effect>>();
  readonly #unsubscribe: () => void;
  #isClosed = false;

  constructor(broker: BrokerServices, options: ShardHostOptions<Request, ShardRecord, Effect>) {
    this.#broker = broker;
    this.#options = options;
    this.#unsubscribe = broker.partitions.onLeadershipChange((partition, becameLeader, leaderEpoch) => {
      if (partition.topic !== options.topic) return;
      this.#resign(partition.partition);
      if (becameLeader) this.#lead(partition, leaderEpoch);
    });
  }

  /** The runner of a partition, or why there is none: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  runnerOf(partition: number | undefined): ShardRunner<Request, ShardRecord, Effect> | number {
    const hosted = partition === undefined ? undefined : this.#byPartition.get(partition);
    if (hosted === undefined) return ErrorCode.NOT_COORDINATOR;
    return hosted.runner ?? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  /** The runners of all partitions here that are loaded. */
  *runners(): IterableIterator<ShardRunner<Request, ShardRecord, Effect>> {
    for (const { runner } of this.#byPartition.values()) if (runner !== null) yield runner;
  }

  /** Whether one of the partitions here is being loaded. */
  get isLoading(): boolean {
    for (const { runner } of this.#byPartition.values()) if (runner === null) return true;
    return false;
  }

  /** Sends everybody away who waits. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const partition of [...this.#byPartition.keys()]) this.#resign(partition);
  }

  #resign(partition: number): void {
    const hosted = this.#byPartition.get(partition);
    if (hosted === undefined) return;
    this.#byPartition.delete(partition);
    hosted.runner?.stop();
    hosted.loadable.dropped?.();
  }

  #lead(partition: Partition, leaderEpoch: number): void {
    const loadable = this.#options.create(partition, leaderEpoch);
    const hosted = { partition, leaderEpoch, loadable, runner: null };
    this.#byPartition.set(partition.partition, hosted);
    const { log } = partition;
    // A new topic has 50 empty partitions: the first client need not come back for those.
    if (log.logStartOffset === log.logEndOffset) this.#run(hosted);
    else void this.#load(hosted);
  }

  /** Whether a shard's partition is still this broker's to coordinate, in the same epoch. */
  #isCurrent(hosted: Hosted<Request, ShardRecord, Effect>): boolean {
    return !this.#isClosed && this.#byPartition.get(hosted.partition.partition) === hosted;
  }

  /**
   * All that the log holds has to be committed before anybody is told of it: predecessors may have acknowledged what is
   * beyond this broker's high watermark, or may not.
   */
  async #load(hosted: Hosted<Request, ShardRecord, Effect>): Promise<void> {
    const { partition, leaderEpoch } = hosted;
    const { runtime } = this.#broker;
    const fields = { topic: partition.topic, partition: partition.partition, leaderEpoch };
    try {
      const startedMs = runtime.clock.monotonicMs();
      const { endOffset, records, sizeBytes } = await loadShard({
        log: partition.log,
        replay: hosted.loadable.replay,
        bufferBytes: this.#options.loadBufferBytes(),
        logger: runtime.logger,
        isCancelled: () => !this.#isCurrent(hosted),
        timers: runtime.timers,
      });
      const isCommitted = !this.#isCurrent(hosted) || (await this.#isCommitted(partition, endOffset));
      // The shard goes by the metadata in what it does first: a topic that is still to come must not look deleted.
      await this.#broker.imagePublished();
      if (!this.#isCurrent(hosted)) return;
      const elapsedMs = Math.round(runtime.clock.monotonicMs() - startedMs);
      runtime.logger.info(`${this.#options.what} are loaded`, { ...fields, records, sizeBytes, elapsedMs });
      if (!isCommitted) this.#warnOfUncommitted(partition);
      this.#run(hosted);
    } catch (error) {
      this.#reloadLater(hosted, error);
    }
  }

  /** Waits for it. False where that may take until other brokers are back, and need not be waited for. */
  async #isCommitted(partition: Partition, endOffset: number): Promise<boolean> {
    if (this.#options.servesUncommitted) return await partition.committedOrStuckAt(endOffset);
    await partition.committedAt(endOffset);
    return true;
  }

  #warnOfUncommitted({ topic, partition, log, image }: Partition): void {
    const { highWatermark, logEndOffset } = log;
    this.#broker.runtime.logger.warn(
      `${this.#options.what} are served although too few replicas are in sync to commit the end of their log`,
      { topic, partition, highWatermark, logEndOffset, isr: image.isr },
    );
  }

  #run(hosted: Hosted<Request, ShardRecord, Effect>): void {
    const { partition, loadable } = hosted;
    const runner: ShardRunner<Request, ShardRecord, Effect> = new ShardRunner({
      shard: loadable.shard,
      encode: this.#options.encode,
      perform: (effect: Effect) => loadable.perform?.(effect, (request) => runner.submit(request)),
      partition,
      runtime: this.#broker.runtime,
      onLost: (error) => {
        hosted.runner = null;
        loadable.dropped?.();
        this.#reloadLater(hosted, error);
      },
    });
    hosted.runner = runner;
    runner.start();
  }

  /** Until then clients are told that their coordinator is being loaded. */
  #reloadLater(hosted: Hosted<Request, ShardRecord, Effect>, error: unknown): void {
    if (!this.#isCurrent(hosted)) return;
    const { partition, leaderEpoch } = hosted;
    const { logger, timers } = this.#broker.runtime;
    logger.error(`${this.#options.what} have to be loaded again`, {
      topic: partition.topic,
      partition: partition.partition,
      err: error,
    });
    timers.schedule(RELOAD_DELAY_MS, () => {
      if (!this.#isCurrent(hosted)) return;
      hosted.loadable = this.#options.create(partition, leaderEpoch);
      void this.#load(hosted);
    });
  }
}

/** Makes the request that a ticket stands for. */
export type RequestWith<Request, Response> = (ticket: Ticket<Response>) => Request;

/** Submits a request and resolves to its answer. */
export function ask<Request, Response>(
  runner: Pick<ShardRunner<Request, unknown, unknown>, "submit">,
  request: RequestWith<Request, Response>,
): Promise<Response> {
  const ticket = new PromiseTicket<Response>();
  runner.submit(request(ticket));
  return ticket.response;
}
