import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Asks for reassignments under way. */
export const listPartitionReassignmentsRequest = message(
  { name: "ListPartitionReassignmentsRequest", validVersions: "0", flexibleVersions: "0+" },
  {
    timeoutMs: int32({ default: 60000 }),
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { nullable: "0+", default: null }),
  },
);

/** Reassignments under way. */
export const listPartitionReassignmentsResponse = message(
  { name: "ListPartitionReassignmentsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
);

export const listPartitionReassignmentsApi = apiMessage({
  key: 46,
  name: "ListPartitionReassignments",
  request: listPartitionReassignmentsRequest,
  response: listPartitionReassignmentsResponse,
});

export interface ListPartitionReassignmentsRequest extends Infer<typeof listPartitionReassignmentsRequest> {}
export interface ListPartitionReassignmentsResponse extends Infer<typeof listPartitionReassignmentsResponse> {}
