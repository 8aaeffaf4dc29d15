import { ErrorCode } from "@ottla/protocol";
import { sendMarkers } from "./markers.ts";
import type { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import {
  NO_PRODUCER_ID,
  PRODUCER_EPOCH_MAX,
  type TransactionMetadata,
  TransactionVersion,
} from "./transaction-metadata.ts";
import { NEEDS_PRODUCER_ID, producerIdentityError, type TransactionRequest } from "./transaction-requests.ts";
import type { TransactionStep, Transition } from "./transaction-step.ts";
import { needsNextProducerId, prepareEnd, prepareFence } from "./transitions.ts";

type EndTransaction = Extract<TransactionRequest, { type: "endTransaction" }>;

/** EndTxn: the transaction is decided; its markers follow, and the answer does not wait for them. */
export function endTransaction(context: TransactionContext, step: TransactionStep, request: EndTransaction): void {
  const { ticket, clientTransactionVersion } = request;
  const refuse = (errorCode: number) => step.reply(ticket, producerIdentityError(errorCode));
  if (request.transactionalId === "") {
    refuse(ErrorCode.INVALID_REQUEST);
    return;
  }
  const transaction = context.transactions.get(request.transactionalId);
  if (transaction === undefined) {
    refuse(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    return;
  }
  const isV2 = clientTransactionVersion >= TransactionVersion.V2;
  const verdict = isV2 ? judgeV2(transaction, request) : judgeV1(transaction, request);
  if (verdict === END) {
    decide(context, step, transaction, request);
    return;
  }
  if (verdict !== ErrorCode.NONE) {
    refuse(verdict);
    return;
  }
  const { producerId, producerEpoch } = transaction.metadata;
  step.reply(ticket, { errorCode: ErrorCode.NONE, producerId, producerEpoch });
}

/** The transaction is to be ended: no error code. */
const END = Symbol("end");

/**
 * A repetition is told from a new request by the state alone, for the epoch stays the same. Thus an EndTxn that was held
 * up on its way may end a later transaction than it was meant for (KAFKA-17754): transactions v2 close this hole.
 */
function judgeV1({ metadata, pendingState }: Transaction, request: EndTransaction): number | typeof END {
  if (metadata.producerId !== request.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (metadata.producerEpoch !== request.producerEpoch) return ErrorCode.PRODUCER_FENCED;
  if (pendingState !== null) return ErrorCode.CONCURRENT_TRANSACTIONS;
  return metadata.state === "Ongoing" ? END : repetition(metadata, request);
}

function judgeV2({ metadata, pendingState }: Transaction, request: EndTransaction): number | typeof END {
  const { producerId, producerEpoch, outcome } = request;
  const { state } = metadata;
  if (pendingState !== null) return ErrorCode.CONCURRENT_TRANSACTIONS;
  const isRetryOnOverflow =
    metadata.previousProducerId === producerId &&
    producerEpoch === PRODUCER_EPOCH_MAX - 1 &&
    metadata.producerEpoch === 0;
  if (metadata.producerId !== producerId && !isRetryOnOverflow) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  const isRetryOnBump = metadata.producerId === producerId && metadata.producerEpoch === producerEpoch + 1;
  const isCurrent = metadata.producerId === producerId && metadata.producerEpoch === producerEpoch;
  switch (state) {
    case "Ongoing":
      return isCurrent ? END : ErrorCode.PRODUCER_FENCED;
    case "PrepareCommit":
    case "PrepareAbort":
      return isRetryOnBump ? repetition(metadata, request) : ErrorCode.PRODUCER_FENCED;
    case "CompleteCommit":
    case "CompleteAbort":
      if (isRetryOnBump || isRetryOnOverflow) return repetition(metadata, request);
      return isCurrent ? endOfNothing(outcome) : ErrorCode.PRODUCER_FENCED;
    default:
      return isCurrent ? endOfNothing(outcome) : ErrorCode.PRODUCER_FENCED;
  }
}

/** A transaction without partitions: its abort bumps the epoch all the same, for records may be on their way. */
function endOfNothing(outcome: EndTransaction["outcome"]): number | typeof END {
  return outcome === "abort" ? END : ErrorCode.INVALID_TXN_STATE;
}

function repetition({ state }: TransactionMetadata, { outcome }: EndTransaction): number {
  const isCommit = outcome === "commit";
  switch (state) {
    case "CompleteCommit":
      return isCommit ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
    case "CompleteAbort":
      return isCommit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.NONE;
    case "PrepareCommit":
      return isCommit ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE;
    case "PrepareAbort":
      return isCommit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.CONCURRENT_TRANSACTIONS;
    default:
      return ErrorCode.INVALID_TXN_STATE;
  }
}

function decide(
  context: TransactionContext,
  step: TransactionStep,
  transaction: Transaction,
  { ticket, outcome, clientTransactionVersion, freshProducerId }: EndTransaction,
): void {
  const { metadata } = transaction;
  const needsId = needsNextProducerId(metadata, clientTransactionVersion);
  if (needsId && freshProducerId === null) {
    step.reply(ticket, NEEDS_PRODUCER_ID);
    return;
  }
  const nextProducerId = needsId ? freshProducerId! : NO_PRODUCER_ID;
  const next = prepareEnd(metadata, { outcome, clientTransactionVersion, nextProducerId, nowMs: step.wallMs });
  const identity = needsId
    ? { producerId: nextProducerId, producerEpoch: 0 }
    : { producerId: next.producerId, producerEpoch: next.producerEpoch };
  prepare(context, step, transaction, next, (answering, errorCode) =>
    answering.reply(
      ticket,
      errorCode === ErrorCode.NONE ? { errorCode, ...identity } : producerIdentityError(errorCode),
    ),
  );
}

/** Aborts a transaction and fences its producer: it has taken too long, or another one wants its place. */
export function abortToFence(
  context: TransactionContext,
  step: TransactionStep,
  transaction: Transaction,
  answer: Transition["answer"],
): void {
  transaction.beginTransition("PrepareEpochFence");
  prepare(context, step, transaction, prepareFence(transaction.metadata, step.wallMs), answer);
}

function prepare(
  context: TransactionContext,
  step: TransactionStep,
  transaction: Transaction,
  next: TransactionMetadata,
  answer: Transition["answer"],
): void {
  step.transition(transaction, next, {
    answer,
    committed: (following) => {
      context.ongoing.delete(transaction);
      transaction.expectMarkers();
      sendMarkers(context, following, transaction);
    },
  });
}
