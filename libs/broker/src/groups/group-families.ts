import type { ListedGroup } from "@ottla/coordinator/internal";
import { type MetricFamily, single } from "../metrics/metric-family.ts";
import type { GroupCoordinator } from "./group-coordinator.ts";

const PREFIX = "kafka_coordinator_group_groupmetadatamanager_numgroups";
const STATES = ["Stable", "PreparingRebalance", "CompletingRebalance", "Empty", "Dead"];

/** How many groups are coordinated here, in all and by state. Nothing while they are being loaded. */
export async function groupFamilies(groups: GroupCoordinator): Promise<MetricFamily[]> {
  const request = { statesFilter: [], typesFilter: [] };
  const asked = groups.askAll<readonly ListedGroup[]>((ticket) => ({ type: "listGroups", request, ticket }));
  if (asked === null) return [];
  const listed = (await asked).flat();
  const inState = (state: string) => listed.filter(({ groupState }) => groupState === state).length;
  return [
    single("gauge", PREFIX, "Groups that are coordinated here.", listed.length),
    ...STATES.map((state) => single("gauge", PREFIX + state.toLowerCase(), `Those that are ${state}.`, inState(state))),
  ];
}
