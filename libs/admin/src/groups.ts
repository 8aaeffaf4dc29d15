import type { ClusterClient } from "@ottla/client/internal";
import { deleteGroupsApi, ErrorCode, listGroupsApi } from "@ottla/protocol";
import { checkResources, codeToRetry } from "./partial-failure.ts";
import { type BulkOptions, mapAll } from "./progress.ts";
import { requireVersion } from "./unsupported.ts";

/** A group as `listGroups` gives it. */
export interface GroupListing {
  /** The id of the group. */
  readonly groupId: string;
  /** `"consumer"` for consumers; empty for a group that only ever committed offsets. */
  readonly protocolType: string;
  /** Kafka's name of the state, such as `"Stable"`; empty from brokers before Kafka 2.6. */
  readonly state: string;
  /** `"classic"` or `"consumer"`; empty from brokers before Kafka 3.8. */
  readonly type: string;
}

/** Which groups to list. */
export interface ListGroupsOptions extends BulkOptions {
  /** Only groups in one of these states. */
  readonly states?: readonly string[];
  /** Only groups of one of these types. */
  readonly types?: readonly string[];
}

/** Errors after which the group's coordinator is looked up, and asked again. */
export const HEALED_BY_COORDINATOR = [
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
];

const FIRST_VERSION_WITH_STATES = 4;
const FIRST_VERSION_WITH_TYPES = 5;

/** Asks every broker: each knows the groups that it coordinates. */
export async function listGroups(
  client: ClusterClient,
  { states = [], types = [], onProgress, ...call }: ListGroupsOptions,
): Promise<GroupListing[]> {
  const { brokers } = await client.metadata.refresh(client.deadline("listGroups", call));
  const body = (version: number) => {
    if (states.length > 0) requireVersion("Listing groups by state", listGroupsApi, version, FIRST_VERSION_WITH_STATES);
    if (types.length > 0) requireVersion("Listing groups by type", listGroupsApi, version, FIRST_VERSION_WITH_TYPES);
    return { statesFilter: states, typesFilter: types };
  };
  const answers = await mapAll([...brokers.keys()], onProgress, (broker) =>
    client.ask({ broker }, listGroupsApi, body, call),
  );
  return answers
    .flatMap(({ groups }) => groups)
    .map(({ groupId, protocolType, groupState, groupType }) => ({
      groupId,
      protocolType,
      state: groupState,
      type: groupType,
    }))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

export async function deleteGroups(
  client: ClusterClient,
  groupIds: readonly string[],
  { onProgress, ...call }: BulkOptions,
): Promise<void> {
  const results = await mapAll(groupIds, onProgress, async (groupId) => {
    const request = { groupsNames: [groupId] };
    const response = await client.ask({ group: groupId }, deleteGroupsApi, request, {
      ...call,
      errorOf: (answer) => codeToRetry(answer.results, HEALED_BY_COORDINATOR),
    });
    return response.results.map((result) => ({ ...result, resource: result.groupId }));
  });
  checkResources("deleteGroups", results.flat());
}
