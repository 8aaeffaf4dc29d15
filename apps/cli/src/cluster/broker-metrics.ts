import type { BrokerDescription } from "@ottla/admin";

/** What a broker tells of replication on its metrics page; null where it has no such page (Apache Kafka). */
export interface ReplicationMetrics {
  readonly isrShrinks: number;
  readonly isrExpands: number;
  readonly replicationBytesIn: number;
  readonly replicationBytesOut: number;
  /** Records that its replicas are behind their leaders, at the most. */
  readonly maxLag: number;
}

const TIMEOUT_MS = 2_000;
const SERIES: Readonly<Record<keyof ReplicationMetrics, string>> = {
  isrShrinks: "kafka_server_replicamanager_isrshrinks_total",
  isrExpands: "kafka_server_replicamanager_isrexpands_total",
  replicationBytesIn: "kafka_server_brokertopicmetrics_replicationbytesin_total",
  replicationBytesOut: "kafka_server_brokertopicmetrics_replicationbytesout_total",
  maxLag: "kafka_server_replicafetchermanager_maxlag",
};

/** Asks a broker for its metrics, which it serves beside Kafka on the same port. */
export async function replicationMetricsOf({ address }: BrokerDescription): Promise<ReplicationMetrics | null> {
  const { host, port } = address;
  const where = `http://${host.includes(":") ? `[${host}]` : host}:${port}/metrics`;
  try {
    const response = await fetch(where, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? parse(await response.text()) : null;
  } catch {
    return null;
  }
}

/** The first sample of each series is that of the whole broker. */
function parse(page: string): ReplicationMetrics | null {
  const entries = Object.entries(SERIES).map(([key, series]) => {
    const sample = new RegExp(`^${series}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(page);
    return [key, sample === null ? Number.NaN : Number(sample[1])] as const;
  });
  if (entries.some(([, value]) => Number.isNaN(value))) return null;
  return Object.fromEntries(entries) as unknown as ReplicationMetrics;
}
