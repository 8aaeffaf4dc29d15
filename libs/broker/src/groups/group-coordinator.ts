import {
  type DeletedTopic,
  decodeGroupRecord,
  encodeGroupRecord,
  GroupCoordinatorShard,
  type GroupRecord,
  type GroupRequest,
  type MarkerToWrite,
  partitionForGroup,
} from "@ottla/coordinator/internal";
import type { Partition } from "../partition/partition.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../services/internal-topics.ts";
import { PromiseTicket } from "../shards/promise-ticket.ts";
import { ask, type LoadableShard, type RequestWith, ShardHost } from "../shards/shard-host.ts";
import { groupConfigOf } from "./broker-group-config.ts";
import { BrokerTopicCatalog } from "./broker-topic-catalog.ts";

/** Coordinates the groups whose partition of `__consumer_offsets` this broker leads. */
export class GroupCoordinator {
  readonly #broker: BrokerServices;
  readonly #topics: BrokerTopicCatalog;
  readonly #host: ShardHost<GroupRequest, GroupRecord>;

  constructor(broker: BrokerServices) {
    this.#broker = broker;
    this.#topics = new BrokerTopicCatalog(broker);
    this.#host = new ShardHost(broker, {
      topic: CONSUMER_OFFSETS_TOPIC,
      what: "groups",
      servesUncommitted: true,
      loadBufferBytes: () => broker.config.require("offsets.load.buffer.size"),
      encode: encodeGroupRecord,
      create: (partition) => this.#newShard(partition),
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
    request: RequestWith<GroupRequest, Response>,
    failure: (errorCode: number) => Response,
  ): Promise<Response> {
    const runner = this.#host.runnerOf(this.partitionOf(groupId));
    return typeof runner === "number" ? Promise.resolve(failure(runner)) : ask(runner, request);
  }

  /** {@link ask} on behalf of a client that waits on its connection: when it has gone, the group learns so. */
  askForClient<Response>(
    groupId: string,
    signal: AbortSignal,
    request: RequestWith<GroupRequest, Response>,
    failure: (errorCode: number) => Response,
  ): Promise<Response> {
    const runner = this.#host.runnerOf(this.partitionOf(groupId));
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
  askAll<Response>(request: RequestWith<GroupRequest, Response>): Promise<Response[]> | null {
    if (this.#host.isLoading) return null;
    return Promise.all(Array.from(this.#host.runners(), (runner) => ask(runner, request)));
  }

  /**
   * Writes the marker of a transaction into a partition of `__consumer_offsets`, with what it does to offsets.
   * @returns Kafka's error code, once the marker is committed or refused
   */
  endTransaction(partition: number, marker: MarkerToWrite): Promise<number> {
    const runner = this.#host.runnerOf(partition);
    if (typeof runner === "number") return Promise.resolve(runner);
    return ask<GroupRequest, number>(runner, (ticket) => ({ type: "endTransaction", marker, ticket }));
  }

  /** Takes the offsets of topics away that are no more. */
  topicsDeleted(topics: readonly DeletedTopic[]): void {
    if (topics.length === 0) return;
    for (const runner of this.#host.runners()) runner.submit({ type: "topicsDeleted", topics });
  }

  /** Sends everybody away who waits. */
  close(): void {
    this.#host.close();
  }

  #newShard(partition: Partition): LoadableShard<GroupRequest, GroupRecord, never> {
    const { random, logger } = this.#broker.runtime;
    const shard = new GroupCoordinatorShard({
      config: groupConfigOf(this.#broker),
      random,
      logger,
      topics: this.#topics,
      canCommit: () => !partition.isUnderMinIsr,
    });
    return {
      shard,
      replay: {
        record(key, value, producerId) {
          const record = decodeGroupRecord(key, value);
          if (record.type === "unknown") return record.reason;
          shard.replay(record, producerId);
          return undefined;
        },
        endTransaction: (producerId, outcome) => shard.replayEndTransaction(producerId, outcome),
      },
    };
  }
}
