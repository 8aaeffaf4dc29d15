import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Adds partitions to topics. */
export const createPartitionsRequest = message(
  { name: "CreatePartitionsRequest", validVersions: "0-3", flexibleVersions: "2+" },
  {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }, { nullable: "0+" }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
);

/** Result for each topic. */
export const createPartitionsResponse = message(
  { name: "CreatePartitionsResponse", validVersions: "0-3", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    results: array({ name: string(), errorCode: int16(), errorMessage: string({ nullable: "0+", default: null }) }),
  },
);

export const createPartitionsApi = apiMessage({
  key: 37,
  name: "CreatePartitions",
  request: createPartitionsRequest,
  response: createPartitionsResponse,
});

export interface CreatePartitionsRequest extends Infer<typeof createPartitionsRequest> {}
export interface CreatePartitionsResponse extends Infer<typeof createPartitionsResponse> {}
