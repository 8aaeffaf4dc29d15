import { ErrorCode } from "@ottla/protocol";
import type { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import type { MarkerOutcome, TransactionRequest } from "./transaction-requests.ts";
import { isPrepared } from "./transaction-state.ts";
import type { TransactionStep } from "./transaction-step.ts";
import { completeEnd } from "./transitions.ts";

type MarkersAnswered = Extract<TransactionRequest, { type: "markersAnswered" }>;

/** How long after a marker could not be written it is tried again. */
const RETRY_DELAY_MS = 100;

/** Goes on with the end of a transaction: asks for the markers that are missing, or completes it. */
export function sendMarkers(context: TransactionContext, step: TransactionStep, transaction: Transaction): void {
  const { transactionalId, metadata, unmarked } = transaction;
  if (!isPrepared(metadata.state) || unmarked === null) return;
  if (transaction.pendingState !== null || transaction.areMarkersUnderWay) return;
  if (unmarked.size === 0) {
    complete(context, step, transaction);
    return;
  }
  transaction.areMarkersUnderWay = true;
  step.effects.push({
    transactionalId,
    producerId: metadata.producerId,
    producerEpoch: metadata.producerEpoch,
    coordinatorEpoch: context.coordinatorEpoch,
    outcome: metadata.state === "PrepareCommit" ? "commit" : "abort",
    transactionVersion: metadata.clientTransactionVersion,
    partitions: transaction.unmarkedPartitions(),
  });
}

/** Partitions that answered well are done; the others are asked again. */
export function markersAnswered(context: TransactionContext, step: TransactionStep, request: MarkersAnswered): void {
  const transaction = context.transactions.get(request.transactionalId);
  if (transaction === undefined || !transaction.areMarkersUnderWay) return;
  const { producerId, producerEpoch } = transaction.metadata;
  if (producerId !== request.producerId || producerEpoch !== request.producerEpoch) return;
  transaction.areMarkersUnderWay = false;
  const verdicts = request.outcomes.map((outcome) => take(context, transaction, outcome));
  if (verdicts.includes("give up")) return;
  if (transaction.unmarked?.size === 0) complete(context, step, transaction);
  else retryLater(context, step, transaction);
}

/**
 * As Kafka: a newer coordinator, or a newer epoch of the producer, has taken over, and it is not for this one to end the
 * transaction. Everything else is worth another try.
 */
function take(
  { logger }: TransactionContext,
  transaction: Transaction,
  { topic, partition, errorCode }: MarkerOutcome,
): "done" | "again" | "give up" {
  switch (errorCode) {
    case ErrorCode.NONE:
      transaction.marked(topic, partition);
      return "done";
    case ErrorCode.INVALID_PRODUCER_EPOCH:
    case ErrorCode.TRANSACTION_COORDINATOR_FENCED: {
      const { transactionalId } = transaction;
      logger.error("a transaction cannot be ended here: someone newer is", {
        transactionalId,
        topic,
        partition,
        errorCode,
      });
      return "give up";
    }
    default:
      return "again";
  }
}

function complete(context: TransactionContext, step: TransactionStep, transaction: Transaction): void {
  step.transition(transaction, completeEnd(transaction.metadata, step.wallMs), {
    answer: null,
    committed: () => {
      transaction.unmarked = null;
      transaction.retryDeadline = null;
    },
    failed: (following) => retryLater(context, following, transaction),
  });
}

function retryLater({ deadlines }: TransactionContext, step: TransactionStep, transaction: Transaction): void {
  deadlines.schedule(transaction.ensureRetryDeadline(), step.monotonicMs + RETRY_DELAY_MS);
}
