import { apiMessage } from "../schema/api.ts";
import { array, bool, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Starts, changes or cancels partition reassignments. */
export const alterPartitionReassignmentsRequest = message(
  { name: "AlterPartitionReassignmentsRequest", validVersions: "0-1", flexibleVersions: "0+" },
  {
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool({ versions: "1+", default: true }),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), replicas: array(int32(), { nullable: "0+", default: null }) }),
    }),
  },
);

/** Result for each partition. */
export const alterPartitionReassignmentsResponse = message(
  { name: "AlterPartitionReassignmentsResponse", validVersions: "0-1", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ versions: "1+", ignorable: true, default: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    responses: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16(), errorMessage: string({ nullable: "0+" }) }),
    }),
  },
);

export const alterPartitionReassignmentsApi = apiMessage({
  key: 45,
  name: "AlterPartitionReassignments",
  request: alterPartitionReassignmentsRequest,
  response: alterPartitionReassignmentsResponse,
});

export interface AlterPartitionReassignmentsRequest extends Infer<typeof alterPartitionReassignmentsRequest> {}
export interface AlterPartitionReassignmentsResponse extends Infer<typeof alterPartitionReassignmentsResponse> {}
