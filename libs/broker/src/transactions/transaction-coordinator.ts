import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  NEEDS_PRODUCER_ID,
  type ProducerIdentityAnswer,
  partitionForGroup,
  producerIdentityError,
  TransactionCoordinatorShard,
  type TransactionRecord,
  type TransactionRequest,
  type WriteMarkers,
} from "@ottla/coordinator/internal";
import type { BrokerServices } from "../services/broker-services.ts";
import { TRANSACTION_STATE_TOPIC } from "../services/internal-topics.ts";
import { ask, type LoadableShard, type RequestWith, ShardHost } from "../shards/shard-host.ts";
import { transactionConfigOf } from "./broker-transaction-config.ts";
import type { MarkerRouter } from "./marker-router.ts";

/** Adds partitions to a transaction, but for the ticket. */
export type AddPartitions = Omit<Extract<TransactionRequest, { type: "addPartitions" }>, "type" | "ticket">;
/** Asks which partitions are in a transaction, but for the ticket. */
export type VerifyPartitions = Omit<Extract<TransactionRequest, { type: "verifyPartitions" }>, "type" | "ticket">;

type WithFreshId = Extract<TransactionRequest, { type: "initProducerId" | "endTransaction" }>;

/** A request that may turn out to need a new producer id, but for that and its ticket. */
export type IdentityRequest =
  | Omit<Extract<WithFreshId, { type: "initProducerId" }>, "freshProducerId" | "ticket">
  | Omit<Extract<WithFreshId, { type: "endTransaction" }>, "freshProducerId" | "ticket">;

/** Coordinates the transactional ids whose partition of `__transaction_state` this broker leads. */
export class TransactionCoordinator {
  readonly #broker: BrokerServices;
  readonly #markers: MarkerRouter;
  readonly #host: ShardHost<TransactionRequest, TransactionRecord, WriteMarkers>;

  constructor(broker: BrokerServices, markers: MarkerRouter) {
    this.#broker = broker;
    this.#markers = markers;
    this.#host = new ShardHost(broker, {
      topic: TRANSACTION_STATE_TOPIC,
      what: "transactions",
      // It would act on what it has loaded: send markers of a decision that another leader may never have heard of.
      servesUncommitted: false,
      loadBufferBytes: () => broker.config.require("transaction.state.log.load.buffer.size"),
      encode: encodeTransactionRecord,
      create: (_partition, leaderEpoch) => this.#newShard(leaderEpoch),
    });
  }

  /** Hands a request to the coordinator of a transactional id; `failure` answers where that is not here. */
  ask<Response>(
    transactionalId: string,
    request: RequestWith<TransactionRequest, Response>,
    failure: (errorCode: number) => Response,
  ): Promise<Response> {
    const runner = this.#host.runnerOf(this.#partitionOf(transactionalId));
    return typeof runner === "number" ? Promise.resolve(failure(runner)) : ask(runner, request);
  }

  /** Adds partitions to a transaction, all or none; the error code. */
  addPartitions(request: AddPartitions): Promise<number> {
    return this.ask<number>(
      request.transactionalId,
      (ticket) => ({ type: "addPartitions", ...request, ticket }),
      (errorCode) => errorCode,
    );
  }

  /** For each of the partitions the error code that says whether it is in the transaction. */
  async verifyPartitions(request: VerifyPartitions): Promise<(topic: string, partition: number) => number> {
    const answer = await this.ask<number | readonly number[]>(
      request.transactionalId,
      (ticket) => ({ type: "verifyPartitions", ...request, ticket }),
      (errorCode) => errorCode,
    );
    if (typeof answer === "number") return () => answer;
    const byPartition = new Map<string, number>();
    let at = 0;
    for (const [topic, indexes] of request.partitions) {
      for (const index of indexes) byPartition.set(`${topic}-${index}`, answer[at++]!);
    }
    return (topic, partition) => byPartition.get(`${topic}-${partition}`)!;
  }

  /** The same as {@link ask} for requests that may need a new producer id, which takes a while to get: they are made again with one. */
  async askForIdentity(request: IdentityRequest): Promise<ProducerIdentityAnswer> {
    const answer = await this.#askForIdentity(request, null);
    if (answer !== NEEDS_PRODUCER_ID) return answer;
    const again = await this.#askForIdentity(request, await this.#broker.producerIds.next());
    if (again === NEEDS_PRODUCER_ID) throw new Error("a request asks for a producer id that it has");
    return again;
  }

  #askForIdentity(request: IdentityRequest, freshProducerId: number | null) {
    return this.ask<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>(
      request.transactionalId,
      (ticket) => ({ ...request, freshProducerId, ticket }),
      producerIdentityError,
    );
  }

  /**
   * Hands a request to every coordinator here.
   * @returns null while one of them is loading
   */
  askAll<Response>(request: RequestWith<TransactionRequest, Response>): Promise<Response[]> | null {
    if (this.#host.isLoading) return null;
    return Promise.all(Array.from(this.#host.runners(), (runner) => ask(runner, request)));
  }

  /** Sends everybody away who waits. */
  close(): void {
    this.#host.close();
  }

  #partitionOf(transactionalId: string): number | undefined {
    const topic = this.#broker.image.topicsByName.get(TRANSACTION_STATE_TOPIC);
    return topic && partitionForGroup(transactionalId, topic.partitions.length);
  }

  #newShard(coordinatorEpoch: number): LoadableShard<TransactionRequest, TransactionRecord, WriteMarkers> {
    const { logger } = this.#broker.runtime;
    const shard = new TransactionCoordinatorShard({
      config: transactionConfigOf(this.#broker),
      coordinatorEpoch,
      logger,
    });
    return {
      shard,
      replay: {
        record(key, value) {
          const record = decodeTransactionRecord(key, value);
          if ("reason" in record) return record.reason;
          shard.replay(record.transactionalId, record.metadata);
          return undefined;
        },
        endTransaction: () => {},
      },
      perform: (markers, submit) => void this.#write(markers, submit),
    };
  }

  async #write(markers: WriteMarkers, submit: (request: TransactionRequest) => void): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = markers;
    const outcomes = await this.#markers.write(markers);
    submit({ type: "markersAnswered", transactionalId, producerId, producerEpoch, outcomes });
  }
}
