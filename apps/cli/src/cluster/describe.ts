import type { Admin, TopicDescription } from "@ottla/admin";
import { underReplicatedDuring } from "@ottla/admin/internal";
import type { ConnectionOptions } from "../connection.ts";
import { describeWithFenced } from "../registered-brokers.ts";
import { formatTable } from "../table.ts";
import { withAdmin } from "../with-admin.ts";
import { type ReplicationMetrics, replicationMetricsOf } from "./broker-metrics.ts";
import { type PartitionHealth, partitionHealthOf } from "./partition-health.ts";
import { ongoingReassignments, type ReassignmentState } from "./reassignments.ts";

/** Lines of partitions that are in a bad way; `--json` has all of them. */
const PARTITIONS_SHOWN_MAX = 50;

/** How many configs of topics are asked for at once. */
const TOPICS_PER_REQUEST = 500;

interface BrokerState {
  readonly id: number;
  readonly address: string;
  readonly rack: string | null;
  readonly isController: boolean;
  readonly isFenced: boolean;
  readonly leads: number;
  readonly replicas: number;
  readonly inSync: number;
  /** Null where the broker does not tell. */
  readonly replication: ReplicationMetrics | null;
}

interface ClusterState {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly features: Readonly<Record<string, number>>;
  readonly brokers: readonly BrokerState[];
  readonly topics: number;
  readonly partitions: number;
  readonly underReplicated: readonly PartitionHealth[];
  readonly underMinIsr: readonly PartitionHealth[];
  readonly atMinIsr: readonly PartitionHealth[];
  readonly offline: readonly PartitionHealth[];
  /** Null where no controller tells. */
  readonly reassignments: readonly ReassignmentState[] | null;
}

export async function describeCluster(options: ConnectionOptions & { readonly json?: boolean }): Promise<void> {
  const state = await withAdmin(options, look);
  process.stdout.write(options.json ? `${JSON.stringify(state, null, 2)}\n` : draw(state));
}

async function look(admin: Admin): Promise<ClusterState> {
  const [cluster, { finalized }, listed, reassignments] = await Promise.all([
    describeWithFenced(admin),
    admin.describeFeatures(),
    admin.listTopics({ includeInternal: true }),
    ongoingReassignments(admin),
  ]);
  const topics = await admin.describeTopics(listed.map(({ name }) => name));
  const minInSync = await minInSyncReplicas(admin, topics);
  const isUnderReplicated = underReplicatedDuring(reassignments ?? []);
  const partitions = topics.flatMap((topic) =>
    partitionHealthOf(topic, minInSync.get(topic.name) ?? 1, isUnderReplicated),
  );
  const brokers = await Promise.all(
    cluster.brokers.map(async (broker) => ({
      id: broker.id,
      address: broker.address.url ?? `${broker.address.host}:${broker.address.port}`,
      rack: broker.rack,
      isController: broker.id === cluster.controllerId,
      isFenced: broker.isFenced,
      leads: partitions.filter(({ leader }) => leader === broker.id).length,
      replicas: partitions.filter(({ replicas }) => replicas.includes(broker.id)).length,
      inSync: partitions.filter(({ inSyncReplicas }) => inSyncReplicas.includes(broker.id)).length,
      replication: broker.isFenced ? null : await replicationMetricsOf(broker),
    })),
  );
  return {
    clusterId: cluster.clusterId,
    controllerId: cluster.controllerId,
    features: Object.fromEntries(Object.entries(finalized).map(([name, { maxLevel }]) => [name, maxLevel])),
    brokers: brokers.sort((a, b) => a.id - b.id),
    topics: topics.length,
    partitions: partitions.length,
    underReplicated: partitions.filter(({ isUnderReplicated }) => isUnderReplicated),
    underMinIsr: partitions.filter(({ isUnderMinIsr }) => isUnderMinIsr),
    atMinIsr: partitions.filter(({ isAtMinIsr }) => isAtMinIsr),
    offline: partitions.filter(({ isOffline }) => isOffline),
    reassignments,
  };
}

async function minInSyncReplicas(admin: Admin, topics: readonly TopicDescription[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let i = 0; i < topics.length; i += TOPICS_PER_REQUEST) {
    const some = topics.slice(i, i + TOPICS_PER_REQUEST);
    const queries = some.map(({ name }) => ({ type: "topic" as const, name, keys: ["min.insync.replicas"] }));
    for (const { name, entries } of await admin.describeConfigs(queries))
      found.set(name, Number(entries[0]?.value ?? 1));
  }
  return found;
}

function draw(state: ClusterState): string {
  const { clusterId, controllerId, features, brokers, offline, underMinIsr, underReplicated, atMinIsr } = state;
  const levels = Object.entries(features).map(([name, level]) => `${name}=${level}`);
  const counts = [
    `${state.topics} topics, ${state.partitions} partitions`,
    `${offline.length} offline`,
    `${underMinIsr.length} under min.insync.replicas`,
    `${atMinIsr.length} at min.insync.replicas`,
    `${underReplicated.length} under-replicated`,
  ];
  return [
    `cluster ${clusterId}, controller ${controllerId < 0 ? "none" : controllerId}`,
    `features ${levels.length === 0 ? "none" : levels.join(" ")}`,
    "",
    formatTable(brokers.map(brokerRow), BROKER_COLUMNS),
    "",
    counts.join(", "),
    ...troubled(state),
    ...reassigned(state),
    "",
  ].join("\n");
}

/** The partitions whose replicas are being moved, and how far that is. */
function reassigned({ reassignments }: ClusterState): string[] {
  if (reassignments === null || reassignments.length === 0) return [];
  const rows = reassignments.slice(0, PARTITIONS_SHOWN_MAX).map((each) => ({
    name: `${each.topic}-${each.partition}`,
    replicas: each.replicas.join(","),
    adding: each.addingReplicas.join(","),
    removing: each.removingReplicas.join(","),
    done: each.wantedBytes === 0 ? "-" : `${Math.floor((100 * each.copiedBytes) / each.wantedBytes)}%`,
  }));
  const columns = { name: "REASSIGNED", done: "DONE", replicas: "REPLICAS", adding: "ADDING", removing: "REMOVING" };
  const rest = reassignments.length - rows.length;
  return ["", formatTable(rows, columns), ...(rest > 0 ? [`and ${rest} more (--json has all)`] : [])];
}

const BROKER_COLUMNS = {
  id: "BROKER",
  address: "ADDRESS",
  rack: "RACK",
  state: "STATE",
  leads: "LEADS",
  replicas: "REPLICAS",
  inSync: "IN SYNC",
  lag: "MAX LAG",
  isrChanges: "ISR -/+",
  bytes: "REPLICATED IN/OUT",
};

function brokerRow({ replication, ...broker }: BrokerState) {
  return {
    ...broker,
    rack: broker.rack ?? "-",
    state: `${broker.isFenced ? "fenced" : "alive"}${broker.isController ? ", controller" : ""}`,
    lag: replication?.maxLag ?? "-",
    isrChanges: replication === null ? "-" : `${replication.isrShrinks}/${replication.isrExpands}`,
    bytes: replication === null ? "-" : `${replication.replicationBytesIn}/${replication.replicationBytesOut}`,
  };
}

/** The partitions that lack something, the worst first. */
function troubled({ offline, underMinIsr, underReplicated }: ClusterState): string[] {
  const all = [...new Set([...offline, ...underMinIsr, ...underReplicated])];
  if (all.length === 0) return [];
  const rows = all.slice(0, PARTITIONS_SHOWN_MAX).map((partition) => ({
    name: `${partition.topic}-${partition.partition}`,
    leader: partition.leader < 0 ? "none" : partition.leader,
    replicas: partition.replicas.join(","),
    isr: partition.inSyncReplicas.join(","),
    elr: partition.eligibleLeaderReplicas.join(","),
    trouble: partition.isOffline ? "offline" : partition.isUnderMinIsr ? "under min ISR" : "under-replicated",
  }));
  const columns = {
    name: "PARTITION",
    trouble: "TROUBLE",
    leader: "LEADER",
    replicas: "REPLICAS",
    isr: "ISR",
    elr: "ELIGIBLE",
  };
  const rest = all.length - rows.length;
  return ["", formatTable(rows, columns), ...(rest > 0 ? [`and ${rest} more (--json has all)`] : [])];
}
