import { produceRequestCodec, produceResponseCodec } from "#message-codecs";
import { apiMessage } from "../schema/api.ts";
import { message } from "../schema/message.ts";
import { produceRequestFields, produceResponseFields } from "./produce-fields.ts";

export type {
  ProduceRequest,
  ProduceRequestPartition,
  ProduceRequestTopic,
  ProduceRequestTopicInput,
  ProduceResponse,
  ProduceResponsePartition,
  ProduceResponsePartitionInput,
  ProduceResponseTopic,
  ProduceResponseTopicInput,
} from "./produce-fields.ts";

/** Writes record batches to partitions. With topic ids instead of names from v13. */
export const produceRequest = message(
  {
    name: "ProduceRequest",
    validVersions: "3-13",
    flexibleVersions: "9+",
    codec: produceRequestCodec,
  },
  produceRequestFields,
);

/** Base offset or error for each partition. */
export const produceResponse = message(
  {
    name: "ProduceResponse",
    validVersions: "3-13",
    flexibleVersions: "9+",
    codec: produceResponseCodec,
  },
  produceResponseFields,
);

export const produceApi = apiMessage({
  key: 0,
  name: "Produce",
  // librdkafka takes a broker without the old versions for too old itself; nobody sends them.
  advertisedVersions: "0-13",
  request: produceRequest,
  response: produceResponse,
});
