import type { ClusterClient } from "@ottla/client/internal";
import type { Runtime } from "@ottla/runtime";
import type { PartitionAssignor } from "../assignors/assignor.ts";
import { RangeAssignor } from "../assignors/range-assignor.ts";
import { RoundRobinAssignor } from "../assignors/round-robin-assignor.ts";
import { CooperativeStickyAssignor } from "../assignors/sticky/cooperative-sticky-assignor.ts";
import { StickyAssignor } from "../assignors/sticky/sticky-assignor.ts";
import { type CommitOptions, OffsetRequests } from "../offsets/offset-requests.ts";
import type { AssignorName, GroupProtocol } from "../options.ts";
import type { Delivery } from "../reading/delivery.ts";
import { ClassicMember } from "./classic-member.ts";
import { ConsumerMember } from "./consumer-member.ts";
import { GroupSession, type GroupSessionParts } from "./group-session.ts";
import { HangWatch } from "./hang-watch.ts";
import type { GroupMember, GroupMemberHost, GroupMemberOptions } from "./member.ts";

/** What it takes to be a member of a group and to commit for it. A consumer without one does without: see `platform/`. */
export interface GroupEngine {
  createSession<K, V>(parts: GroupSessionParts<K, V>): GroupSession<K, V>;
  createHangWatch<K, V>(
    runtime: Runtime,
    delivery: Delivery<K, V>,
    maxPollIntervalMs: number,
    onHang: () => void,
  ): HangWatch<K, V>;
  createOffsetRequests(client: ClusterClient, options: CommitOptions): OffsetRequests;
  createAssignors(given: readonly (AssignorName | PartitionAssignor)[]): readonly PartitionAssignor[];
  createMember(
    protocol: GroupProtocol,
    client: ClusterClient,
    options: GroupMemberOptions,
    host: GroupMemberHost,
  ): GroupMember;
}

const BUILT_IN: Readonly<Record<AssignorName, () => PartitionAssignor>> = {
  range: () => new RangeAssignor(),
  roundrobin: () => new RoundRobinAssignor(),
  sticky: () => new StickyAssignor(),
  "cooperative-sticky": () => new CooperativeStickyAssignor(),
};

export const groupEngine: GroupEngine = {
  createSession: (parts) => new GroupSession(parts),
  createHangWatch: (runtime, delivery, maxPollIntervalMs, onHang) =>
    new HangWatch(runtime, delivery, maxPollIntervalMs, onHang),
  createOffsetRequests: (client, options) => new OffsetRequests(client, options),
  createAssignors: (given) => given.map((assignor) => (typeof assignor === "string" ? BUILT_IN[assignor]() : assignor)),
  createMember(protocol, client, options, host) {
    const Member = protocol === "consumer" ? ConsumerMember : ClassicMember;
    return new Member(client, options, host);
  },
};
