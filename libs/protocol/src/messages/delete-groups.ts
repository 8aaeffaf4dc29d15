import { apiMessage } from "../schema/api.ts";
import { array, int16, int32, string } from "../schema/field.ts";
import { type Infer, message } from "../schema/message.ts";

/** Deletes groups without members. */
export const deleteGroupsRequest = message(
  { name: "DeleteGroupsRequest", validVersions: "0-2", flexibleVersions: "2+" },
  { groupsNames: array(string()) },
);

/** Result for each group. */
export const deleteGroupsResponse = message(
  { name: "DeleteGroupsResponse", validVersions: "0-2", flexibleVersions: "2+" },
  { throttleTimeMs: int32(), results: array({ groupId: string(), errorCode: int16() }) },
);

export const deleteGroupsApi = apiMessage({
  key: 42,
  name: "DeleteGroups",
  request: deleteGroupsRequest,
  response: deleteGroupsResponse,
});

export interface DeleteGroupsRequest extends Infer<typeof deleteGroupsRequest> {}
export interface DeleteGroupsResponse extends Infer<typeof deleteGroupsResponse> {}
