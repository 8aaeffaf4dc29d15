import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Starts leader elections. */
export const electLeadersRequest = message(
  { name: "ElectLeadersRequest", validVersions: "0-2", flexibleVersions: "2+" },
  {
    electionType: int8({ versions: "1+" }),
    topicPartitions: array({ topic: string(), partitions: array(int32()) }, { nullable: "0+" }),
    timeoutMs: int32({ default: 60000 }),
  },
);

/** Result for each partition. */
export const electLeadersResponse = message(
  { name: "ElectLeadersResponse", validVersions: "0-2", flexibleVersions: "2+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: "1+" }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({ partitionId: int32(), errorCode: int16(), errorMessage: string({ nullable: "0+" }) }),
    }),
  },
);

export const electLeadersApi = apiMessage({
  key: 43,
  name: "ElectLeaders",
  request: electLeadersRequest,
  response: electLeadersResponse,
});

export interface ElectLeadersRequest extends Infer<typeof electLeadersRequest> {}
export interface ElectLeadersResponse extends Infer<typeof electLeadersResponse> {}
