import { apiMessage } from "../schema/api.ts";
import { array, int8, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";
import { listenerUrl } from "./listener-url.ts";

/** Asks which broker coordinates a group or transactional id; several keys at once from v4. */
export const findCoordinatorRequest = message(
  { name: "FindCoordinatorRequest", validVersions: "0-6", flexibleVersions: "3+" },
  {
    key: string({ versions: "0-3" }),
    keyType: int8({ versions: "1+", default: 0 }),
    coordinatorKeys: array(string(), { versions: "4+" }),
  },
);

/** Where the coordinator is. */
export const findCoordinatorResponse = message(
  { name: "FindCoordinatorResponse", validVersions: "0-6", flexibleVersions: "3+" },
  {
    throttleTimeMs: int32({ versions: "1+", ignorable: true }),
    errorCode: int16({ versions: "0-3" }),
    errorMessage: string({ versions: "1-3", nullable: "1-3", ignorable: true }),
    nodeId: int32({ versions: "0-3" }),
    host: string({ versions: "0-3" }),
    port: int32({ versions: "0-3" }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "4+" }),
        url: listenerUrl("4+"),
      },
      { versions: "4+" },
    ),
    url: listenerUrl("3"),
  },
);

export const findCoordinatorApi = apiMessage({
  key: 10,
  name: "FindCoordinator",
  request: findCoordinatorRequest,
  response: findCoordinatorResponse,
});

export interface FindCoordinatorRequest extends Infer<typeof findCoordinatorRequest> {}
export interface FindCoordinatorResponse extends Infer<typeof findCoordinatorResponse> {}
