import { apiMessage } from "../schema/api.ts";
import { array, bool, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { listenerUrl } from "./listener-url.ts";

/** Asks for the brokers or controllers of the cluster. */
export const describeClusterRequest = message(
  { name: "DescribeClusterRequest", validVersions: "0-2", flexibleVersions: "0+" },
  {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ versions: "1+", default: 1 }),
    includeFencedBrokers: bool({ versions: "2+" }),
  },
);

/** The brokers and the cluster id. */
export const describeClusterResponse = message(
  { name: "DescribeClusterResponse", validVersions: "0-2", flexibleVersions: "0+" },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    endpointType: int8({ versions: "1+", default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "0+", default: null }),
      isFenced: bool({ versions: "2+" }),
      url: listenerUrl("0+"),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
);

export const describeClusterApi = apiMessage({
  key: 60,
  name: "DescribeCluster",
  request: describeClusterRequest,
  response: describeClusterResponse,
});

export interface DescribeClusterRequest extends Infer<typeof describeClusterRequest> {}
export interface DescribeClusterResponse extends Infer<typeof describeClusterResponse> {}
