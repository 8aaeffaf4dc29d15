import type { TransactionEngine } from "../engine.ts";

/** What it takes to do transactions: a page loads it with its first one. */
export async function loadTransactionEngine(): Promise<TransactionEngine> {
  return (await import("../engine.ts")).transactionEngine;
}
