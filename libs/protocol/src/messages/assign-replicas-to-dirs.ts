import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, int64, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Broker to controller: in which of its log directories it has put replicas (KIP-858). */
export const assignReplicasToDirsRequest = message(
  { name: "AssignReplicasToDirsRequest", validVersions: "0", flexibleVersions: "0+" },
  {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array({
      id: uuid(),
      topics: array({ topicId: uuid(), partitions: array({ partitionIndex: int32() }) }),
    }),
  },
);

/** Result for each replica. */
export const assignReplicasToDirsResponse = message(
  { name: "AssignReplicasToDirsResponse", validVersions: "0", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    directories: array({
      id: uuid(),
      topics: array({ topicId: uuid(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
);

export const assignReplicasToDirsApi = apiMessage({
  key: 73,
  name: "AssignReplicasToDirs",
  request: assignReplicasToDirsRequest,
  response: assignReplicasToDirsResponse,
});

export interface AssignReplicasToDirsRequest extends Infer<typeof assignReplicasToDirsRequest> {}
export interface AssignReplicasToDirsResponse extends Infer<typeof assignReplicasToDirsResponse> {}
