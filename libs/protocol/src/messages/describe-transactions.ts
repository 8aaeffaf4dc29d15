import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the state of transactional ids. */
export const describeTransactionsRequest = message(
  { name: "DescribeTransactionsRequest", validVersions: "0", flexibleVersions: "0+" },
  { transactionalIds: array(string()) },
);

/** State of each transaction. */
export const describeTransactionsResponse = message(
  { name: "DescribeTransactionsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: array(int32()) }),
    }),
  },
);

export const describeTransactionsApi = apiMessage({
  key: 65,
  name: "DescribeTransactions",
  request: describeTransactionsRequest,
  response: describeTransactionsResponse,
});

export interface DescribeTransactionsRequest extends Infer<typeof describeTransactionsRequest> {}
export interface DescribeTransactionsResponse extends Infer<typeof describeTransactionsResponse> {}
