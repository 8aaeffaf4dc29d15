import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for the producers that write to partitions. */
export const describeProducersRequest = message(
  { name: "DescribeProducersRequest", validVersions: "0", flexibleVersions: "0+" },
  { topics: array({ name: string(), partitionIndexes: array(int32()) }) },
);

/** Producers and their open transactions. */
export const describeProducersResponse = message(
  { name: "DescribeProducersResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+", default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
);

export const describeProducersApi = apiMessage({
  key: 61,
  name: "DescribeProducers",
  request: describeProducersRequest,
  response: describeProducersResponse,
});

export interface DescribeProducersRequest extends Infer<typeof describeProducersRequest> {}
export interface DescribeProducersResponse extends Infer<typeof describeProducersResponse> {}
