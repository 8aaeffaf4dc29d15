import { array, int8, int16, int32, int64, string } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";
import { coordinatorRecord } from "./coordinator-record.ts";

/** A transactional id. */
export const transactionLogKey = message(
  { name: "TransactionLogKey", validVersions: "0" },
  { transactionalId: string() },
);

/** State of the transaction. */
export const transactionLogValue = message(
  { name: "TransactionLogValue", validVersions: "0-1", flexibleVersions: "1+" },
  {
    producerId: int64(),
    previousProducerId: int64({ versions: "1+", tag: 0, default: -1 }),
    nextProducerId: int64({ versions: "1+", tag: 1, default: -1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ versions: "1+", tag: 3, default: -1 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }, { nullable: "0+" }),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ versions: "1+", tag: 2, default: 0 }),
  },
);

/** Type 0 of `__transaction_state`. */
export const transactionLogRecord = coordinatorRecord({
  type: 0,
  name: "TransactionLog",
  key: transactionLogKey,
  value: transactionLogValue,
});

export interface TransactionLogKey extends Infer<typeof transactionLogKey> {}
export interface TransactionLogValue extends Infer<typeof transactionLogValue> {}
