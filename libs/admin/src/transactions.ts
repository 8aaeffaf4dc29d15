import type { CallOptions } from "@ottla/client";
import type { ClusterClient } from "@ottla/client/internal";
import { describeTransactionsApi, ErrorCode, listTransactionsApi } from "@ottla/protocol";
import { codeToRetry, resultsOf } from "./partial-failure.ts";
import { type BulkOptions, mapAll } from "./progress.ts";
import type { TopicPartition } from "./topic-partitions.ts";

/** A transactional id as `listTransactions` gives it. */
export interface TransactionListing {
  /** The transactional id. */
  readonly transactionalId: string;
  /** The id of the producer that has it. */
  readonly producerId: number;
  /** `"Empty"`, `"Ongoing"`, `"PrepareCommit"`, `"PrepareAbort"`, `"CompleteCommit"`, `"CompleteAbort"` … */
  readonly state: string;
}

/** A transactional id as `describeTransactions` gives it. */
export interface TransactionDescription extends TransactionListing {
  /** The epoch of the producer that has the id now. */
  readonly producerEpoch: number;
  /** A transaction that is open for longer is aborted. */
  readonly timeoutMs: number;
  /** When the transaction that is open began, -1 without one. Milliseconds since the Unix epoch. */
  readonly startTimeMs: number;
  /** What it has written to. */
  readonly partitions: readonly TopicPartition[];
}

/** Which transactional ids to list. */
export interface ListTransactionsOptions extends BulkOptions {
  /** Default: all states. */
  readonly states?: readonly string[];
  /** Default: those of all producers. */
  readonly producerIds?: readonly number[];
}

const HEALED_BY_COORDINATOR = [
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
];

/** Asks every broker: each knows the transactional ids that it coordinates. */
export async function listTransactions(
  client: ClusterClient,
  { states = [], producerIds = [], onProgress, ...call }: ListTransactionsOptions,
): Promise<TransactionListing[]> {
  const { brokers } = await client.metadata.refresh(client.deadline("listTransactions", call));
  const request = { stateFilters: states, producerIdFilters: producerIds };
  const answers = await mapAll([...brokers.keys()], onProgress, (broker) =>
    client.ask({ broker }, listTransactionsApi, request, call),
  );
  return answers
    .flatMap(({ transactionStates }) => transactionStates)
    .map(({ transactionState: state, ...listed }) => ({ ...listed, state }))
    .sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1));
}

export async function describeTransactions(
  client: ClusterClient,
  transactionalIds: readonly string[],
  { onProgress, ...call }: BulkOptions,
): Promise<TransactionDescription[]> {
  const answers = await mapAll(transactionalIds, onProgress, (id) => describeTransaction(client, id, call));
  return resultsOf(
    "describeTransactions",
    answers,
    ({ transactionalId, errorCode }) => ({ resource: transactionalId, errorCode }),
    (answer): TransactionDescription => ({
      transactionalId: answer.transactionalId,
      state: answer.transactionState,
      producerId: answer.producerId,
      producerEpoch: answer.producerEpoch,
      timeoutMs: answer.transactionTimeoutMs,
      startTimeMs: answer.transactionStartTimeMs,
      partitions: answer.topics.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    }),
  );
}

async function describeTransaction(client: ClusterClient, transactionalId: string, call: CallOptions) {
  const { transactionStates } = await client.ask(
    { transactionalId },
    describeTransactionsApi,
    { transactionalIds: [transactionalId] },
    { ...call, errorOf: (response) => codeToRetry(response.transactionStates, HEALED_BY_COORDINATOR) },
  );
  return transactionStates[0]!;
}
