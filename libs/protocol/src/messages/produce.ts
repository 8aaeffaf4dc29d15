import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, records, string, struct, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Writes record batches to partitions. With topic ids instead of names from v13. */
export const produceRequest = message(
  { name: "ProduceRequest", validVersions: "3-13", flexibleVersions: "9+" },
  {
    transactionalId: string({ nullable: "3+", default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ versions: "0-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitionData: array({ index: int32(), records: records({ nullable: "0+" }) }),
    }),
  },
);

/** Base offset or error for each partition. */
export const produceResponse = message(
  { name: "ProduceResponse", validVersions: "3-13", flexibleVersions: "9+" },
  {
    responses: array({
      name: string({ versions: "0-12", ignorable: true }),
      topicId: uuid({ versions: "13+", ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ versions: "5+", ignorable: true, default: -1 }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: "8+", default: null }) },
          { versions: "8+", ignorable: true },
        ),
        errorMessage: string({ versions: "8+", nullable: "8+", ignorable: true, default: null }),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { versions: "10+", tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: "10+", default: null }) },
      { versions: "10+", tag: 0 },
    ),
  },
);

export const produceApi = apiMessage({
  key: 0,
  name: "Produce",
  // librdkafka takes a broker without the old versions for too old itself; nobody sends them.
  advertisedVersions: "0-13",
  request: produceRequest,
  response: produceResponse,
});

export interface ProduceRequest extends Infer<typeof produceRequest> {}
export interface ProduceResponse extends Infer<typeof produceResponse> {}
