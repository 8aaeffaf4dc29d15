import type { Replication } from "../replication/replication.ts";
import type { ReplicationCounters } from "../replication/replication-counters.ts";
import { type MetricFamily, single } from "./metric-family.ts";

const COUNTERS: readonly [name: string, help: string, count: (counters: ReplicationCounters) => number][] = [
  [
    "kafka_server_replicamanager_isrshrinks_total",
    "Replicas that this broker, as leader, took out of ISRs.",
    (c) => c.isrShrinks,
  ],
  ["kafka_server_replicamanager_isrexpands_total", "Replicas that it took into ISRs.", (c) => c.isrExpands],
  [
    "kafka_server_replicamanager_failedisrupdates_total",
    "ISRs that the controller refused.",
    (c) => c.failedIsrUpdates,
  ],
  [
    "kafka_server_brokertopicmetrics_replicationbytesin_total",
    "Bytes of batches fetched from leaders.",
    (c) => c.bytesIn,
  ],
  [
    "kafka_server_brokertopicmetrics_replicationbytesout_total",
    "Bytes of batches sent to followers.",
    (c) => c.bytesOut,
  ],
  [
    "kafka_controller_controllerstats_leaderelectionrateandtimems_count",
    "Elections while this broker was the controller.",
    (c) => c.leaderElections,
  ],
  [
    "kafka_controller_controllerstats_uncleanleaderelections_total",
    "Those of replicas that may lack acknowledged records.",
    (c) => c.uncleanLeaderElections,
  ],
];

/** What replicas have done, and how far those that follow are behind. */
export function* replicationFamilies({
  counters,
  lags,
}: Pick<Replication, "counters" | "lags">): Generator<MetricFamily> {
  for (const [name, help, count] of COUNTERS) yield single("counter", name, help, count(counters));
  let maxLag = 0;
  const ofPartitions = [];
  for (const { topic, partition, leaderId, lag } of lags()) {
    maxLag = Math.max(maxLag, lag);
    const labels = { clientId: `ReplicaFetcherThread-0-${leaderId}`, topic, partition };
    ofPartitions.push({ labels, value: lag });
  }
  yield {
    name: "kafka_server_replicafetchermanager_maxlag",
    type: "gauge",
    help: "Records that a replica here is behind its leader, at the most.",
    samples: [{ labels: { clientId: "Replica" }, value: maxLag }],
  };
  yield {
    name: "kafka_server_fetcherlagmetrics_consumerlag",
    type: "gauge",
    help: "Records that a replica here is behind its leader.",
    samples: ofPartitions,
  };
}
