import { ErrorCode } from "@ottla/protocol";
import { abortToFence } from "./end-transaction.ts";
import { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import { isEpochExhausted, NO_PRODUCER_EPOCH, type TransactionMetadata } from "./transaction-metadata.ts";
import { NEEDS_PRODUCER_ID, producerIdentityError, type TransactionRequest } from "./transaction-requests.ts";
import { isPrepared } from "./transaction-state.ts";
import type { TransactionStep } from "./transaction-step.ts";
import { incrementEpoch, newTransaction, rotateProducerId } from "./transitions.ts";

type InitProducerId = Extract<TransactionRequest, { type: "initProducerId" }>;

/** InitProducerId: a producer starts, or wants a new epoch, and whoever had the id before is fenced. */
export function initProducerId(context: TransactionContext, step: TransactionStep, request: InitProducerId): void {
  const { ticket, timeoutMs, transactionalId } = request;
  const refuse = (errorCode: number) => step.reply(ticket, producerIdentityError(errorCode));
  if (transactionalId === "") {
    refuse(ErrorCode.INVALID_REQUEST);
    return;
  }
  if (timeoutMs <= 0 || timeoutMs > context.config.transactionMaxTimeoutMs) {
    refuse(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    return;
  }
  const transaction = findOrCreate(context, step, request);
  if (transaction === null) {
    step.reply(ticket, NEEDS_PRODUCER_ID);
    return;
  }
  const { metadata } = transaction;
  if (transaction.pendingState !== null) {
    refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
    return;
  }
  if (isForeign(metadata, request)) {
    refuse(ErrorCode.PRODUCER_FENCED);
    return;
  }
  if (isPrepared(metadata.state)) {
    refuse(ErrorCode.CONCURRENT_TRANSACTIONS);
    return;
  }
  if (metadata.state === "Ongoing") {
    fenceOngoing(context, step, transaction, request);
    return;
  }
  start(step, transaction, request);
}

function findOrCreate(
  { transactions }: TransactionContext,
  { wallMs }: TransactionStep,
  { transactionalId, freshProducerId }: InitProducerId,
): Transaction | null {
  const existing = transactions.get(transactionalId);
  if (existing !== undefined) return existing;
  if (freshProducerId === null) return null;
  const transaction = new Transaction(newTransaction(transactionalId, freshProducerId, wallMs));
  transactions.set(transactionalId, transaction);
  return transaction;
}

/** Whether the producer names an identity that this id has not had, or not lately. Its epoch is looked at later. */
function isForeign(metadata: TransactionMetadata, { expected }: InitProducerId): boolean {
  if (expected === null || metadata.producerEpoch === NO_PRODUCER_EPOCH) return false;
  if (expected.producerId === metadata.producerId) return false;
  return expected.producerId !== metadata.previousProducerId || !isEpochExhausted(expected.producerEpoch);
}

/**
 * The transaction of the one before is aborted first, and the newcomer told to come again. Other than in Kafka, a zombie
 * that says who it was is fenced before it can hurt its successor's transaction.
 */
function fenceOngoing(
  context: TransactionContext,
  step: TransactionStep,
  transaction: Transaction,
  { expected, ticket }: InitProducerId,
): void {
  const { producerId, producerEpoch } = transaction.metadata;
  if (expected !== null && (expected.producerId !== producerId || expected.producerEpoch !== producerEpoch)) {
    step.reply(ticket, producerIdentityError(ErrorCode.PRODUCER_FENCED));
    return;
  }
  abortToFence(context, step, transaction, (answering, errorCode) => {
    const answer = errorCode === ErrorCode.NONE ? ErrorCode.CONCURRENT_TRANSACTIONS : errorCode;
    answering.reply(ticket, producerIdentityError(answer));
  });
}

function start(step: TransactionStep, transaction: Transaction, request: InitProducerId): void {
  const { ticket, timeoutMs, expected, freshProducerId } = request;
  const { metadata } = transaction;
  const expectedEpoch = expected?.producerEpoch ?? null;
  const producerStart = { timeoutMs, expectedEpoch, nowMs: step.wallMs };
  const rotates =
    isEpochExhausted(metadata.producerEpoch) && (expectedEpoch === null || expectedEpoch === metadata.producerEpoch);
  if (rotates && freshProducerId === null) {
    step.reply(ticket, NEEDS_PRODUCER_ID);
    return;
  }
  const next = rotates
    ? rotateProducerId(metadata, freshProducerId!, producerStart)
    : incrementEpoch(metadata, producerStart);
  if (next === null) {
    step.reply(ticket, producerIdentityError(ErrorCode.PRODUCER_FENCED));
    return;
  }
  const { producerId, producerEpoch } = next;
  step.transition(transaction, next, {
    answer: (answering, errorCode) =>
      answering.reply(
        ticket,
        errorCode === ErrorCode.NONE ? { errorCode, producerId, producerEpoch } : producerIdentityError(errorCode),
      ),
  });
}
