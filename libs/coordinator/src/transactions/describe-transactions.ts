import { ErrorCode, KafkaError } from "@ottla/protocol";
import { RE2JS } from "re2js";
import type { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import type {
  TransactionDescription,
  TransactionFilters,
  TransactionListing,
  TransactionRequest,
} from "./transaction-requests.ts";
import type { TransactionStep } from "./transaction-step.ts";

/** The description of an id that cannot be described. */
export function describeTransactionError(transactionalId: string, errorCode: number): TransactionDescription {
  return {
    errorCode,
    transactionalId,
    transactionState: "",
    // As Kafka: zeros, and not the ids that mean none.
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  };
}

/** DescribeTransactions, for one id. */
export function describeTransaction(
  { transactions }: TransactionContext,
  step: TransactionStep,
  { transactionalId, ticket }: Extract<TransactionRequest, { type: "describeTransaction" }>,
): void {
  if (transactionalId === "") {
    step.reply(ticket, describeTransactionError(transactionalId, ErrorCode.INVALID_REQUEST));
    return;
  }
  const transaction = transactions.get(transactionalId);
  const answer =
    transaction === undefined || transaction.pendingState === "Dead"
      ? describeTransactionError(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
      : describe(transaction);
  step.reply(ticket, answer);
}

function describe({ metadata }: Transaction): TransactionDescription {
  return {
    errorCode: ErrorCode.NONE,
    transactionalId: metadata.transactionalId,
    transactionState: metadata.state,
    transactionTimeoutMs: metadata.timeoutMs,
    transactionStartTimeMs: metadata.startMs,
    producerId: metadata.producerId,
    producerEpoch: metadata.producerEpoch,
    topics: Array.from(metadata.partitions, ([topic, indexes]) => ({ topic, partitions: [...indexes] })),
  };
}

/** ListTransactions, for the ids of this shard. */
export function listTransactions(
  { transactions }: TransactionContext,
  step: TransactionStep,
  { filters, ticket }: Extract<TransactionRequest, { type: "listTransactions" }>,
): void {
  const found: TransactionListing[] = [];
  for (const transaction of transactions.values()) {
    if (!isListed(transaction, filters, step.wallMs)) continue;
    const { transactionalId, producerId, state } = transaction.metadata;
    found.push({ transactionalId, producerId, transactionState: state });
  }
  step.reply(ticket, found);
}

function isListed({ metadata, pendingState }: Transaction, filters: TransactionFilters, nowMs: number): boolean {
  const { stateFilters, producerIdFilters, durationFilter, matchesPattern } = filters;
  if (pendingState === "Dead") return false;
  if (producerIdFilters.length > 0 && !producerIdFilters.includes(metadata.producerId)) return false;
  if (stateFilters.length > 0 && !stateFilters.includes(metadata.state)) return false;
  if (durationFilter >= 0 && nowMs - metadata.startMs <= durationFilter) return false;
  return matchesPattern === null || matchesPattern(metadata.transactionalId);
}

/**
 * Which transactional ids a pattern matches, as a whole; null where there is none.
 * @throws KafkaError INVALID_REGULAR_EXPRESSION where it is not one of RE2
 */
export function transactionalIdMatcher(pattern: string | null): ((transactionalId: string) => boolean) | null {
  if (pattern === null || pattern === "") return null;
  try {
    const compiled = RE2JS.compile(pattern);
    return (transactionalId) => compiled.matches(transactionalId);
  } catch (error) {
    throw KafkaError.fromCode(ErrorCode.INVALID_REGULAR_EXPRESSION, error instanceof Error ? error.message : undefined);
  }
}
