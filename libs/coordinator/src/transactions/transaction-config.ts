/** Configs of the transaction coordinator; read whenever they are needed, so they may change at run time. */
export interface TransactionConfig {
  /** `transaction.max.timeout.ms` */
  readonly transactionMaxTimeoutMs: number;
  /** `transactional.id.expiration.ms` */
  readonly transactionalIdExpirationMs: number;
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms` */
  readonly abortTimedOutIntervalMs: number;
  /** `transaction.remove.expired.transaction.cleanup.interval.ms` */
  readonly removeExpiredIntervalMs: number;
  /** How long an answer waits for its record to be committed. */
  readonly commitTimeoutMs: number;
  /** The finalized level of the feature `transaction.version`. */
  readonly transactionVersion: number;
}

/** Kafka's defaults. */
export const defaultTransactionConfig: TransactionConfig = {
  transactionMaxTimeoutMs: 900_000,
  transactionalIdExpirationMs: 604_800_000,
  abortTimedOutIntervalMs: 10_000,
  removeExpiredIntervalMs: 3_600_000,
  commitTimeoutMs: 30_000,
  transactionVersion: 2,
};
