import type { ClusterClient } from "@ottla/client/internal";
import type { Runtime } from "@ottla/runtime";
import type { PartitionAssignor } from "../assignors/assignor.ts";
import { type CommitOptions, OffsetRequests } from "../offsets/offset-requests.ts";
import type { AssignorName } from "../options.ts";
import type { Delivery } from "../reading/delivery.ts";
import { GroupSession, type GroupSessionParts } from "./group-session.ts";
import { HangWatch } from "./hang-watch.ts";
import type { GroupMember, GroupMemberHost, GroupMemberOptions } from "./member.ts";

/** What groups take whatever their protocol. */
export interface GroupParts {
  createSession<K, V>(parts: GroupSessionParts<K, V>): GroupSession<K, V>;
  createHangWatch<K, V>(
    runtime: Runtime,
    delivery: Delivery<K, V>,
    maxPollIntervalMs: number,
    onHang: () => void,
  ): HangWatch<K, V>;
  createOffsetRequests(client: ClusterClient, options: CommitOptions): OffsetRequests;
}

/**
 * What it takes to be a member of a group and to commit for it, by one of the two protocols. A consumer without a group
 * does without: see `platform/`.
 */
export interface GroupEngine extends GroupParts {
  createAssignors(given: readonly (AssignorName | PartitionAssignor)[]): readonly PartitionAssignor[];
  createMember(client: ClusterClient, options: GroupMemberOptions, host: GroupMemberHost): GroupMember;
}

export const groupParts: GroupParts = {
  createSession: (parts) => new GroupSession(parts),
  createHangWatch: (runtime, delivery, maxPollIntervalMs, onHang) =>
    new HangWatch(runtime, delivery, maxPollIntervalMs, onHang),
  createOffsetRequests: (client, options) => new OffsetRequests(client, options),
};
