import type { PartitionAssignor } from "../assignors/assignor.ts";
import { RangeAssignor } from "../assignors/range-assignor.ts";
import { RoundRobinAssignor } from "../assignors/round-robin-assignor.ts";
import { CooperativeStickyAssignor } from "../assignors/sticky/cooperative-sticky-assignor.ts";
import { StickyAssignor } from "../assignors/sticky/sticky-assignor.ts";
import type { AssignorName } from "../options.ts";
import { ClassicMember } from "./classic-member.ts";
import { type GroupEngine, groupParts } from "./engine.ts";

const BUILT_IN: Readonly<Record<AssignorName, () => PartitionAssignor>> = {
  range: () => new RangeAssignor(),
  roundrobin: () => new RoundRobinAssignor(),
  sticky: () => new StickyAssignor(),
  "cooperative-sticky": () => new CooperativeStickyAssignor(),
};

/** Groups by JoinGroup and SyncGroup, in which a member assigns the partitions. */
export const classicEngine: GroupEngine = {
  ...groupParts,
  createAssignors: (given) => given.map((assignor) => (typeof assignor === "string" ? BUILT_IN[assignor]() : assignor)),
  createMember: (client, options, host) => new ClassicMember(client, options, host),
};
