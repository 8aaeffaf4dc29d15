import type { Data } from "@ottla/client";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import type { TransactionOffsets, TransactionOffsetsSource } from "./transaction-offsets.ts";

/** What can be done within a transaction; of no use any more when it is over. */
export interface Transaction<K = Data, V = Data> {
  /**
   * Sends a record as part of the transaction. Need not be waited for: the commit does, and a send that fails fails it.
   * @throws KafkaError (as a rejection) what `Producer.send` throws; `INVALID_TXN_STATE` when the transaction is over
   */
  send(record: ProducerRecord<K, V>): Promise<RecordMetadata>;
  /** Sends several records as part of the transaction. */
  send(records: readonly ProducerRecord<K, V>[]): Promise<RecordMetadata[]>;
  /**
   * Commits offsets of a consumer group as part of the transaction: of a consumer all that it has handed out so far,
   * what is in hand included (within its `run`, all that is finished). The consumer must not commit by itself
   * (`autoCommit: false`). What is committed in the name of a member that the group has put out is refused (KIP-447).
   *
   * @throws KafkaError (as a rejection) `ILLEGAL_GENERATION`, `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID`,
   *   `REBALANCE_IN_PROGRESS` and others, if the offsets are not (any more) the member's to commit; the transaction
   *   cannot be committed then
   */
  sendOffsets(from: TransactionOffsetsSource | TransactionOffsets): Promise<void>;
}

/** How a transaction may be cut short. */
export interface TransactionOptions {
  /** Aborts the transaction, which rejects with code `ABORTED`; of no effect once the commit has been asked for. */
  readonly signal?: AbortSignal;
}
