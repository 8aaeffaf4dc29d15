import type {
  describeTransactionsApi,
  ListTransactionsRequest,
  listTransactionsApi,
  ResponseInput,
} from "@ottla/protocol";
import type { Ticket } from "../shard/ticket.ts";
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, type PartitionsByTopic } from "./transaction-metadata.ts";

/** Answered to a request that needs a producer id which nobody has had: it is to be made again with one. */
export const NEEDS_PRODUCER_ID = Symbol("needs a producer id");

/** A producer id and epoch to work with, or an error. */
export interface ProducerIdentityAnswer {
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** The answer to a request that is refused. */
export function producerIdentityError(errorCode: number): ProducerIdentityAnswer {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH };
}

export type TransactionDescription = ResponseInput<typeof describeTransactionsApi>["transactionStates"][number];
export type TransactionListing = ResponseInput<typeof listTransactionsApi>["transactionStates"][number];

/** Which transactions are asked for. */
export type TransactionFilters = Omit<ListTransactionsRequest, "transactionalIdPattern"> & {
  /** Null for all. */
  readonly matchesPattern: ((transactionalId: string) => boolean) | null;
};

/** What became of a marker in one partition. */
export interface MarkerOutcome {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's error code; NONE where the marker is in the log and below the high watermark. */
  readonly errorCode: number;
}

/** Everything that can happen to a shard from outside, time apart. */
export type TransactionRequest =
  | {
      readonly type: "initProducerId";
      readonly transactionalId: string;
      readonly timeoutMs: number;
      /** What the producer has now, to be told apart from zombies (KIP-360); null for one that starts. */
      readonly expected: { readonly producerId: number; readonly producerEpoch: number } | null;
      /** A producer id that nobody has had, or null until one turns out to be needed. */
      readonly freshProducerId: number | null;
      readonly ticket: Ticket<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>;
    }
  | {
      readonly type: "addPartitions";
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly partitions: PartitionsByTopic;
      /** By which protocol the client works. */
      readonly clientTransactionVersion: number;
      readonly ticket: Ticket<number>;
    }
  | {
      readonly type: "verifyPartitions";
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly partitions: PartitionsByTopic;
      /** One error code for all partitions, or one for each in the order given. */
      readonly ticket: Ticket<number | readonly number[]>;
    }
  | {
      readonly type: "endTransaction";
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly outcome: "commit" | "abort";
      readonly clientTransactionVersion: number;
      readonly freshProducerId: number | null;
      readonly ticket: Ticket<ProducerIdentityAnswer | typeof NEEDS_PRODUCER_ID>;
    }
  | {
      readonly type: "describeTransaction";
      readonly transactionalId: string;
      readonly ticket: Ticket<TransactionDescription>;
    }
  | {
      readonly type: "listTransactions";
      readonly filters: TransactionFilters;
      readonly ticket: Ticket<readonly TransactionListing[]>;
    }
  /** What became of the markers that {@link WriteMarkers} asked for. */
  | {
      readonly type: "markersAnswered";
      readonly transactionalId: string;
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly outcomes: readonly MarkerOutcome[];
    };

/**
 * Asks for a transaction's markers to be written. It is answered with `markersAnswered`, each partition once, however
 * long that takes: a partition whose leader does not answer is REQUEST_TIMED_OUT.
 */
export interface WriteMarkers {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly outcome: "commit" | "abort";
  readonly transactionVersion: number;
  readonly partitions: PartitionsByTopic;
}
