import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, int64, uuid } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Leader to controller: changes the ISR. */
export const alterPartitionRequest = message(
  { name: "AlterPartitionRequest", validVersions: "2-3", flexibleVersions: "0+" },
  {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { versions: "0-2" }),
        newIsrWithEpochs: array({ brokerId: int32(), brokerEpoch: int64({ default: -1 }) }, { versions: "3+" }),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  },
);

/** The partitions' state after the change. */
export const alterPartitionResponse = message(
  { name: "AlterPartitionResponse", validVersions: "2-3", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  },
);

export const alterPartitionApi = apiMessage({
  key: 56,
  name: "AlterPartition",
  request: alterPartitionRequest,
  response: alterPartitionResponse,
});

export interface AlterPartitionRequest extends Infer<typeof alterPartitionRequest> {}
export interface AlterPartitionResponse extends Infer<typeof alterPartitionResponse> {}
