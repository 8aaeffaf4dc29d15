import { ErrorCode } from "@ottla/protocol";
import type { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import { containsAll, type PartitionsByTopic } from "./transaction-metadata.ts";
import type { TransactionRequest } from "./transaction-requests.ts";
import { isPrepared } from "./transaction-state.ts";
import type { TransactionStep } from "./transaction-step.ts";
import { addPartitions as withPartitions } from "./transitions.ts";

type AddPartitions = Extract<TransactionRequest, { type: "addPartitions" }>;
type VerifyPartitions = Extract<TransactionRequest, { type: "verifyPartitions" }>;

/** AddPartitionsToTxn and AddOffsetsToTxn: partitions join the producer's transaction, which begins with the first. */
export function addPartitions(context: TransactionContext, step: TransactionStep, request: AddPartitions): void {
  const { ticket, partitions, clientTransactionVersion } = request;
  const transaction = find(context, request);
  if (typeof transaction === "number") {
    step.reply(ticket, transaction);
    return;
  }
  const { metadata } = transaction;
  if (metadata.state === "Ongoing" && containsAll(metadata.partitions, partitions)) {
    step.reply(ticket, ErrorCode.NONE);
    return;
  }
  const next = withPartitions(metadata, partitions, clientTransactionVersion, step.wallMs);
  step.transition(transaction, next, {
    answer: (answering, errorCode) => answering.reply(ticket, errorCode),
    committed: () => context.ongoing.add(transaction),
  });
}

/** Whether partitions are in the producer's transaction, for those who are about to append to them. */
export function verifyPartitions(context: TransactionContext, step: TransactionStep, request: VerifyPartitions): void {
  const { ticket, partitions } = request;
  const transaction = find(context, request);
  if (typeof transaction === "number") step.reply(ticket, transaction);
  else step.reply(ticket, membership(transaction.metadata.partitions, partitions));
}

function membership(present: PartitionsByTopic, asked: PartitionsByTopic): number[] {
  const errorCodes: number[] = [];
  for (const [topic, indexes] of asked) {
    for (const index of indexes) {
      errorCodes.push(present.get(topic)?.has(index) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE);
    }
  }
  return errorCodes;
}

/** The transaction that the producer works in, or the error it gets. */
function find(
  { transactions }: TransactionContext,
  { transactionalId, producerId, producerEpoch }: AddPartitions | VerifyPartitions,
): Transaction | number {
  if (transactionalId === "") return ErrorCode.INVALID_REQUEST;
  const transaction = transactions.get(transactionalId);
  if (transaction === undefined || transaction.metadata.producerId !== producerId) {
    return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  }
  if (transaction.metadata.producerEpoch !== producerEpoch) return ErrorCode.PRODUCER_FENCED;
  const isBusy = transaction.pendingState !== null || isPrepared(transaction.metadata.state);
  return isBusy ? ErrorCode.CONCURRENT_TRANSACTIONS : transaction;
}
