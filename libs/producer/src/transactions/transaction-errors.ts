import { isStaleMetadata } from "@ottla/client/internal";
import { ErrorCode, KafkaError } from "@ottla/protocol/client";

/**
 * What an error means to a transaction (KIP-1050). `retriable`: the same request may succeed when it is sent again, and
 * is; `refresh`: the same, after another look at the metadata; `abortable`: this transaction cannot be committed, the
 * next one may go well; `fatal`: this producer cannot go on.
 */
export type TransactionErrorKind = "retriable" | "refresh" | "abortable" | "fatal";

/** Errors after which a producer is of no use, whoever answers with them. */
const FATAL: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  ErrorCode.INVALID_TRANSACTION_TIMEOUT,
  ErrorCode.UNSUPPORTED_SASL_MECHANISM,
  ErrorCode.SASL_AUTHENTICATION_FAILED,
]);

/** Errors that are fatal only in a coordinator's answer: a partition's leader may have been told late of a new epoch. */
const FATAL_FROM_COORDINATOR: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
]);

/** What an error means, which a partition's leader answered with or which came up in this client. */
export function transactionErrorKind({ errno, retriable }: KafkaError): TransactionErrorKind {
  if (FATAL.has(errno)) return "fatal";
  if (!retriable) return "abortable";
  return isStaleMetadata(errno) ? "refresh" : "retriable";
}

/**
 * A coordinator's refusal as the producer's user is to see it. One that ends this producer for good is PRODUCER_FENCED,
 * whatever the coordinator calls it: with transactions v2 a commit that comes after the transaction has timed out is
 * INVALID_TXN_STATE, which elsewhere ends a transaction only.
 */
export function refusalOf(error: KafkaError): KafkaError {
  if (!FATAL_FROM_COORDINATOR.has(error.errno)) return error;
  const what = `The transaction was ended by its coordinator: it took longer than transactionTimeoutMs, or another producer has the transactional id (${error.code})`;
  return KafkaError.fromCode(ErrorCode.PRODUCER_FENCED, what, error);
}
