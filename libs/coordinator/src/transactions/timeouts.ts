import { abortToFence } from "./end-transaction.ts";
import type { Transaction } from "./transaction.ts";
import type { TransactionContext } from "./transaction-context.ts";
import { isAtRest } from "./transaction-state.ts";
import type { TransactionStep } from "./transaction-step.ts";

/** Transactions that one sweep ends, or ids that it removes, at the most; the next one goes on from there. */
const SWEEP_MAX = 1_000;
const NEXT_SWEEP_DELAY_MS = 100;

/** Aborts the transactions whose producer has taken longer than it said. @returns when to look again */
export function abortTimedOut(context: TransactionContext, step: TransactionStep): number {
  let aborted = 0;
  for (const transaction of context.ongoing) {
    const { metadata, pendingState } = transaction;
    if (pendingState !== null || metadata.startMs + metadata.timeoutMs >= step.wallMs) continue;
    if (aborted++ === SWEEP_MAX) return NEXT_SWEEP_DELAY_MS;
    const { transactionalId } = transaction;
    context.logger.info("a transaction has timed out and is aborted", {
      transactionalId,
      timeoutMs: metadata.timeoutMs,
    });
    abortToFence(context, step, transaction, null);
  }
  return context.config.abortTimedOutIntervalMs;
}

/** Removes transactional ids that have been at rest for too long. @returns when to look again */
export function removeExpired(context: TransactionContext, step: TransactionStep): number {
  const { transactions, config } = context;
  let removed = 0;
  for (const transaction of transactions.values()) {
    if (!isExpired(transaction, step.wallMs - config.transactionalIdExpirationMs)) continue;
    if (removed++ === SWEEP_MAX) return NEXT_SWEEP_DELAY_MS;
    step.remove(transaction, () => transactions.delete(transaction.transactionalId));
  }
  return config.removeExpiredIntervalMs;
}

function isExpired({ metadata, pendingState }: Transaction, beforeMs: number): boolean {
  return pendingState === null && isAtRest(metadata.state) && metadata.lastUpdateMs <= beforeMs;
}
