import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Moves replicas between log directories of a broker. */
export const alterReplicaLogDirsRequest = message(
  { name: "AlterReplicaLogDirsRequest", validVersions: "1-2", flexibleVersions: "2+" },
  { dirs: array({ path: string(), topics: array({ name: string(), partitions: array(int32()) }) }) },
);

/** Result for each partition. */
export const alterReplicaLogDirsResponse = message(
  { name: "AlterReplicaLogDirsResponse", validVersions: "1-2", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    results: array({ topicName: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
);

export const alterReplicaLogDirsApi = apiMessage({
  key: 34,
  name: "AlterReplicaLogDirs",
  request: alterReplicaLogDirsRequest,
  response: alterReplicaLogDirsResponse,
});

export interface AlterReplicaLogDirsRequest extends Infer<typeof alterReplicaLogDirsRequest> {}
export interface AlterReplicaLogDirsResponse extends Infer<typeof alterReplicaLogDirsResponse> {}
