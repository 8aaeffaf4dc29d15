import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

const addPartitionsToTxnTopicFields = { name: string(), partitions: array(int32()) } as const;

/** Adds partitions to a transaction; brokers send v4 and later for many at once. */
export const addPartitionsToTxnRequest = message(
  { name: "AddPartitionsToTxnRequest", validVersions: "0-5", flexibleVersions: "3+" },
  {
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array(addPartitionsToTxnTopicFields),
      },
      { versions: "4+" },
    ),
    v3AndBelowTransactionalId: string({ versions: "0-3" }),
    v3AndBelowProducerId: int64({ versions: "0-3" }),
    v3AndBelowProducerEpoch: int16({ versions: "0-3" }),
    v3AndBelowTopics: array(addPartitionsToTxnTopicFields, { versions: "0-3" }),
  },
);

const addPartitionsToTxnTopicResultFields = {
  name: string(),
  resultsByPartition: array({ partitionIndex: int32(), partitionErrorCode: int16() }),
} as const;

/** Result for each partition. */
export const addPartitionsToTxnResponse = message(
  { name: "AddPartitionsToTxnResponse", validVersions: "0-5", flexibleVersions: "3+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "4+", ignorable: true }),
    resultsByTransaction: array(
      { transactionalId: string(), topicResults: array(addPartitionsToTxnTopicResultFields) },
      { versions: "4+" },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResultFields, { versions: "0-3" }),
  },
);

export const addPartitionsToTxnApi = apiMessage({
  key: 24,
  name: "AddPartitionsToTxn",
  request: addPartitionsToTxnRequest,
  response: addPartitionsToTxnResponse,
});

export interface AddPartitionsToTxnRequest extends Infer<typeof addPartitionsToTxnRequest> {}
export interface AddPartitionsToTxnResponse extends Infer<typeof addPartitionsToTxnResponse> {}
