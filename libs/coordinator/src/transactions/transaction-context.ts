import type { Logger } from "@ottla/runtime";
import type { DeadlineQueue } from "../shard/deadlines.ts";
import type { Transaction, TransactionDeadline } from "./transaction.ts";
import type { TransactionConfig } from "./transaction-config.ts";

/** What all operations of one shard work on. */
export interface TransactionContext {
  readonly config: TransactionConfig;
  readonly logger: Logger;
  /** The epoch in which this broker leads the partition: older coordinators are fenced by it. */
  readonly coordinatorEpoch: number;
  readonly deadlines: DeadlineQueue<TransactionDeadline>;
  readonly transactions: Map<string, Transaction>;
  /** Those that are Ongoing, to be looked through for timeouts. */
  readonly ongoing: Set<Transaction>;
}
