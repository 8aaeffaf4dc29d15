import type { ApiMetrics, Broker } from "@ottla/broker";
import type { HttpResponse, ServerConnection } from "@ottla/transport";
import type { ProcessMetrics } from "./process-metrics.ts";

/** The most connections, and names of partitions, of one answer. */
const CONNECTIONS_MAX = 1_000;
const PARTITIONS_MAX = 1_000;

/** What the console asks for over HTTP: what Kafka's protocol has no API for. Read-only. */
export function consoleApi(path: string, broker: Broker, processMetrics: ProcessMetrics): HttpResponse | null {
  if (path === "/console/state") return json(stateOf(broker, processMetrics));
  if (path === "/console/topics") return json(topicsOf(broker));
  if (path === "/console/connections") return json(connectionsOf(broker));
  if (path === "/console/replication") return json(replicationOf(broker));
  return null;
}

function stateOf(broker: Broker, processMetrics: ProcessMetrics) {
  const { nodeId, clusterId, services } = broker;
  const nowMs = services.runtime.clock.monotonicMs();
  const { recordsIn, bytesIn, bytesOut, failedProduceRequests, failedFetchRequests } = services.partitions.traffic.all;
  return {
    nodeId,
    clusterId,
    atMs: services.runtime.clock.nowMs(),
    uptimeMs: Math.round(process.uptime() * 1_000),
    nodeVersion: process.version,
    connectionsCount: [...broker.connections()].length,
    traffic: { recordsIn, bytesIn, bytesOut, failedProduceRequests, failedFetchRequests },
    process: processMetrics.state(),
    apis: [...services.requests].map((metrics) => apiState(metrics, nowMs)),
  };
}

function apiState({ name, totalTimeMs, queueTimeMs, requestBytes }: ApiMetrics, nowMs: number) {
  const [p50Ms = 0, p99Ms = 0, p999Ms = 0] = totalTimeMs.quantiles([0.5, 0.99, 0.999], nowMs);
  const [queueP99Ms = 0] = queueTimeMs.quantiles([0.99], nowMs);
  return { name, count: totalTimeMs.count, p50Ms, p99Ms, p999Ms, queueP99Ms, requestBytes: requestBytes.sum };
}

/** Rows `[topic, records in, bytes in, bytes out]`: thousands of topics are asked for every few seconds. */
function topicsOf(broker: Broker) {
  const { traffic } = broker.services.partitions;
  const topics = Array.from(traffic.topics(), ([topic, { recordsIn, bytesIn, bytesOut }]) => [
    topic,
    recordsIn,
    bytesIn,
    bytesOut,
  ]);
  return { nodeId: broker.nodeId, atMs: broker.services.runtime.clock.nowMs(), topics };
}

/** Counters grow from the broker's start; partitions are those that it leads. */
function replicationOf({ nodeId, services }: Broker) {
  const { counters, lags } = services.replication;
  const { isrShrinks, isrExpands, bytesIn, bytesOut } = counters;
  let maxLag = 0;
  for (const { lag } of lags()) maxLag = Math.max(maxLag, lag);
  const underMinIsr: string[] = [];
  for (const { isLeader, isUnderMinIsr, topic, partition } of services.partitions.all()) {
    if (isLeader && isUnderMinIsr && underMinIsr.length < PARTITIONS_MAX) underMinIsr.push(`${topic}-${partition}`);
  }
  return { nodeId, maxLag, isrShrinks, isrExpands, bytesIn, bytesOut, underMinIsr };
}

function connectionsOf(broker: Broker) {
  const { clock } = broker.services.runtime;
  const connections = [...broker.connections()];
  return {
    atMs: clock.nowMs(),
    total: connections.length,
    connections: connections.slice(0, CONNECTIONS_MAX).map((each) => describe(each, clock.monotonicMs())),
  };
}

function describe(connection: ServerConnection, nowMs: number) {
  const { id, kind, listenerName, remoteAddress, clientSoftwareName, clientSoftwareVersion, traffic } = connection;
  const { clientId, requestsCount, requestsInFlight, receivedBytes, sentBytes } = traffic;
  const { openedAtMs, lastActiveMs, throttledUntilMs } = traffic;
  return {
    id,
    transport: kind,
    listener: listenerName,
    remoteAddress,
    clientId,
    software: [clientSoftwareName, clientSoftwareVersion].filter(Boolean).join(" "),
    openForMs: Math.round(nowMs - openedAtMs),
    idleForMs: Math.round(nowMs - lastActiveMs),
    throttledForMs: Math.max(0, Math.round(throttledUntilMs - nowMs)),
    requestsCount,
    requestsInFlight,
    receivedBytes,
    sentBytes,
  };
}

function json(value: unknown): HttpResponse {
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
    body: JSON.stringify(value),
  };
}
