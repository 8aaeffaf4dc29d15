import {
  type DeletedTopic,
  GroupCoordinatorShard,
  type GroupRequest,
  partitionForGroup,
  type Ticket,
} from "@ottla/coordinator/internal";
import { ErrorCode } from "@ottla/protocol";
import type { Partition } from "../partition/partition.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../services/internal-topics.ts";
import { groupConfigOf } from "./broker-group-config.ts";
import { PromiseTicket } from "./promise-ticket.ts";
import { loadShard } from "./shard-loader.ts";
import { ShardRunner } from "./shard-runner.ts";

/** A partition of `__consumer_offsets` that this broker leads: its groups are being loaded, or coordinated here. */
interface Coordinated {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  /** Null while loading. */
  runner: ShardRunner | null;
}

/** How long after a failed load the next one begins. */
const RELOAD_DELAY_MS = 1_000;

/** Makes the request that a ticket stands for. */
export type RequestWith<Response> = (ticket: Ticket<Response>) => GroupRequest;

/**
 * Coordinates the groups whose partition of `__consumer_offsets` this broker leads: one shard for each partition and
 * leader epoch, loaded when the leadership begins and dropped when it ends.
 */
export class GroupCoordinator {
  readonly #broker: BrokerServices;
  readonly #byPartition = new Map<number, Coordinated>();
  readonly #unsubscribe: () => void;
  #isClosed = false;

  constructor(broker: BrokerServices) {
    this.#broker = broker;
    this.#unsubscribe = broker.partitions.onLeadershipChange((partition, becameLeader, leaderEpoch) => {
      if (partition.topic !== CONSUMER_OFFSETS_TOPIC) return;
      this.#resign(partition.partition);
      if (becameLeader) this.#lead(partition, leaderEpoch);
    });
  }

  /** The partition of `__consumer_offsets` that holds a group, or undefined while there is no such topic. */
  partitionOf(groupId: string): number | undefined {
    const topic = this.#broker.image.topicsByName.get(CONSUMER_OFFSETS_TOPIC);
    return topic && partitionForGroup(groupId, topic.partitions.length);
  }

  /**
   * Hands a request to the coordinator of its group. The answer comes when the coordinator gives it;
   * `failure` makes the answer where there is no coordinator here.
   */
  ask<Response>(
    groupId: string,
    request: RequestWith<Response>,
    failure: (errorCode: number) => Response,
  ): Promise<Response> {
    const runner = this.#runnerOf(groupId);
    return typeof runner === "number" ? Promise.resolve(failure(runner)) : ask(runner, request);
  }

  /** {@link ask} on behalf of a client that waits on its connection: when it has gone, the group learns so. */
  askForClient<Response>(
    groupId: string,
    signal: AbortSignal,
    request: RequestWith<Response>,
    failure: (errorCode: number) => Response,
  ): Promise<Response> {
    const runner = this.#runnerOf(groupId);
    if (typeof runner === "number") return Promise.resolve(failure(runner));
    const ticket = new PromiseTicket<Response>();
    const onGone = () => runner.submit({ type: "clientGone", groupId, ticket });
    runner.submit(request(ticket));
    if (signal.aborted) onGone();
    else signal.addEventListener("abort", onGone, { once: true });
    return ticket.response.finally(() => signal.removeEventListener("abort", onGone));
  }

  /**
   * Hands a request to every coordinator here.
   * @returns null while one of them is loading
   */
  askAll<Response>(request: RequestWith<Response>): Promise<Response[]> | null {
    const all = [...this.#byPartition.values()];
    if (all.some(({ runner }) => runner === null)) return null;
    return Promise.all(all.map(({ runner }) => ask(runner!, request)));
  }

  /** Takes the offsets of topics away that are no more. */
  topicsDeleted(topics: readonly DeletedTopic[]): void {
    if (topics.length === 0) return;
    for (const { runner } of this.#byPartition.values()) runner?.submit({ type: "topicsDeleted", topics });
  }

  /** Sends everybody away who waits. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const partition of [...this.#byPartition.keys()]) this.#resign(partition);
  }

  #runnerOf(groupId: string): ShardRunner | number {
    const partition = this.partitionOf(groupId);
    const coordinated = partition === undefined ? undefined : this.#byPartition.get(partition);
    if (coordinated === undefined) return ErrorCode.NOT_COORDINATOR;
    return coordinated.runner ?? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  #resign(partition: number): void {
    const coordinated = this.#byPartition.get(partition);
    this.#byPartition.delete(partition);
    coordinated?.runner?.stop();
  }

  #lead(partition: Partition, leaderEpoch: number): void {
    const coordinated: Coordinated = { partition, leaderEpoch, runner: null };
    this.#byPartition.set(partition.partition, coordinated);
    const shard = this.#newShard();
    const { log } = partition;
    // A new topic has 50 empty partitions: the first client need not come back for those.
    if (log.logStartOffset === log.logEndOffset) this.#run(coordinated, shard);
    else void this.#load(coordinated, shard);
  }

  #newShard(): GroupCoordinatorShard {
    const { random, logger } = this.#broker.runtime;
    return new GroupCoordinatorShard({ config: groupConfigOf(this.#broker), random, logger });
  }

  /** Whether a shard's partition is still this broker's to coordinate, in the same epoch. */
  #isCurrent(coordinated: Coordinated): boolean {
    return !this.#isClosed && this.#byPartition.get(coordinated.partition.partition) === coordinated;
  }

  /** All that the log holds has to be committed before anybody is told of it. */
  async #load(coordinated: Coordinated, shard: GroupCoordinatorShard): Promise<void> {
    const { partition, leaderEpoch } = coordinated;
    const { runtime, config } = this.#broker;
    const fields = { topic: partition.topic, partition: partition.partition, leaderEpoch };
    try {
      const startedMs = runtime.clock.monotonicMs();
      const { endOffset, records, sizeBytes } = await loadShard({
        log: partition.log,
        shard,
        bufferBytes: config.require("offsets.load.buffer.size"),
        logger: runtime.logger,
        isCancelled: () => !this.#isCurrent(coordinated),
        timers: runtime.timers,
      });
      if (this.#isCurrent(coordinated)) await partition.committedAt(endOffset);
      if (!this.#isCurrent(coordinated)) return;
      const elapsedMs = Math.round(runtime.clock.monotonicMs() - startedMs);
      runtime.logger.info("groups are loaded", { ...fields, groups: shard.groupCount, records, sizeBytes, elapsedMs });
      this.#run(coordinated, shard);
    } catch (error) {
      this.#reloadLater(coordinated, error);
    }
  }

  #run(coordinated: Coordinated, shard: GroupCoordinatorShard): void {
    const { partition } = coordinated;
    coordinated.runner = new ShardRunner({
      shard,
      partition,
      runtime: this.#broker.runtime,
      onLost: (error) => {
        coordinated.runner = null;
        this.#reloadLater(coordinated, error);
      },
    });
    coordinated.runner.start();
  }

  /** Until then clients are told that their groups are being loaded. */
  #reloadLater(coordinated: Coordinated, error: unknown): void {
    if (!this.#isCurrent(coordinated)) return;
    const { partition } = coordinated;
    const { logger, timers } = this.#broker.runtime;
    logger.error("groups have to be loaded again", {
      topic: partition.topic,
      partition: partition.partition,
      err: error,
    });
    timers.schedule(RELOAD_DELAY_MS, () => {
      if (this.#isCurrent(coordinated)) void this.#load(coordinated, this.#newShard());
    });
  }
}

function ask<Response>(runner: ShardRunner, request: RequestWith<Response>): Promise<Response> {
  const ticket = new PromiseTicket<Response>();
  runner.submit(request(ticket));
  return ticket.response;
}
