import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Deletes topics, by name or (from v6) by id. */
export const deleteTopicsRequest = message(
  { name: "DeleteTopicsRequest", validVersions: "1-6", flexibleVersions: "4+" },
  {
    topics: array({ name: string({ nullable: "6+", default: null }), topicId: uuid() }, { versions: "6+" }),
    topicNames: array(string(), { versions: "0-5", ignorable: true }),
    timeoutMs: int32(),
  },
);

/** Result for each topic. */
export const deleteTopicsResponse = message(
  { name: "DeleteTopicsResponse", validVersions: "1-6", flexibleVersions: "4+" },
  {
    throttleTimeMs: int32(),
    responses: array({
      name: string({ nullable: "6+" }),
      topicId: uuid({ versions: "6+", ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ versions: "5+", nullable: "5+", ignorable: true, default: null }),
    }),
  },
);

export const deleteTopicsApi = apiMessage({
  key: 20,
  name: "DeleteTopics",
  request: deleteTopicsRequest,
  response: deleteTopicsResponse,
});

export interface DeleteTopicsRequest extends Infer<typeof deleteTopicsRequest> {}
export interface DeleteTopicsResponse extends Infer<typeof deleteTopicsResponse> {}
