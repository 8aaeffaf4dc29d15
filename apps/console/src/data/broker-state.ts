/** What `/console/state` answers. Counters grow from the broker's start. */
export interface BrokerState {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly atMs: number;
  readonly uptimeMs: number;
  readonly nodeVersion: string;
  readonly connectionsCount: number;
  readonly traffic: {
    readonly recordsIn: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
    readonly failedProduceRequests: number;
    readonly failedFetchRequests: number;
  };
  readonly process: {
    readonly residentBytes: number;
    readonly heapUsedBytes: number;
    readonly cpuSeconds: number;
    readonly eventLoopDelayP99Ms: number;
  };
  readonly apis: readonly ApiState[];
}

/** One API's requests: how many, and how long the last minutes' took. */
export interface ApiState {
  readonly name: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly queueP99Ms: number;
  readonly requestBytes: number;
}

/** What `/console/connections` answers. */
export interface ConnectionsState {
  readonly atMs: number;
  /** May be more than are listed. */
  readonly total: number;
  readonly connections: readonly ConnectionState[];
}

export interface ConnectionState {
  readonly id: number;
  readonly transport: string;
  readonly listener: string;
  readonly remoteAddress: string;
  readonly clientId: string;
  readonly software: string;
  readonly openForMs: number;
  readonly idleForMs: number;
  /** How long it is still kept waiting by its quota; 0 where it is not. */
  readonly throttledForMs: number;
  readonly requestsCount: number;
  readonly requestsInFlight: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What `/console/topics` answers: rows `[topic, records in, bytes in, bytes out]`. */
export interface TopicTraffic {
  readonly nodeId: number;
  readonly atMs: number;
  readonly topics: readonly (readonly [string, number, number, number])[];
}

/** What `/console/replication` answers. Counters grow from the broker's start. */
export interface ReplicationState {
  readonly nodeId: number;
  /** Records that its replicas are behind their leaders, at the most. */
  readonly maxLag: number;
  /** ISRs that it, as their leader, has had made smaller and larger. */
  readonly isrShrinks: number;
  readonly isrExpands: number;
  /** Bytes of record batches from leaders, and to followers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Partitions that it leads and that have too few replicas in sync for acks=all, as `topic-0`. */
  readonly underMinIsr: readonly string[];
}
