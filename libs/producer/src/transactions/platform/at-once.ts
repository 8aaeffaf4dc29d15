import { type TransactionEngine, transactionEngine } from "../engine.ts";

/** What it takes to do transactions: here from the start. */
export function loadTransactionEngine(): TransactionEngine | Promise<TransactionEngine> {
  return transactionEngine;
}
