import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Creates topics. */
export const createTopicsRequest = message(
  { name: "CreateTopicsRequest", validVersions: "2-7", flexibleVersions: "5+" },
  {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: "0+" }) }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
);

/** Result for each topic. */
export const createTopicsResponse = message(
  { name: "CreateTopicsResponse", validVersions: "2-7", flexibleVersions: "5+" },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      topicId: uuid({ versions: "7+", ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
      topicConfigErrorCode: int16({ versions: "5+", tag: 0, ignorable: true }),
      numPartitions: int32({ versions: "5+", ignorable: true, default: -1 }),
      replicationFactor: int16({ versions: "5+", ignorable: true, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: "5+" }),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { versions: "5+", nullable: "5+", ignorable: true },
      ),
    }),
  },
);

export const createTopicsApi = apiMessage({
  key: 19,
  name: "CreateTopics",
  request: createTopicsRequest,
  response: createTopicsResponse,
});

export interface CreateTopicsRequest extends Infer<typeof createTopicsRequest> {}
export interface CreateTopicsResponse extends Infer<typeof createTopicsResponse> {}
