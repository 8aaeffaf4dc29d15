import type { MetadataImage, PartitionImage } from "@ottla/metadata";
import type { BrokerServices } from "../services/broker-services.ts";
import type { OpenServer } from "../services/server.ts";
import { logFamilies } from "./log-families.ts";
import type { MetricFamily } from "./metric-family.ts";
import { single } from "./metric-family.ts";
import { isUnderReplicated, partitionFamilies, replicasNeeded } from "./partition-families.ts";
import { quotaFamilies } from "./quota-families.ts";
import { replicationFamilies } from "./replication-families.ts";
import { requestFamilies } from "./request-families.ts";
import { trafficFamilies } from "./traffic-families.ts";

type Server = Pick<OpenServer, "listeners" | "connections">;

/** Kafka's number for a broker that runs. */
const BROKER_STATE_RUNNING = 3;

/**
 * What a broker tells of itself, under the names that jmx_exporter's example configuration for Kafka
 * (`kafka-2_0_0.yml`) makes of Kafka's own (docs/decisions/0100-names-of-metrics.md). What Ottla does not measure is
 * left out rather than filled with zeros.
 */
export function* brokerFamilies(broker: BrokerServices, server: Server): Generator<MetricFamily | null> {
  yield single(
    "gauge",
    "kafka_server_kafkaserver_brokerstate",
    "State of the broker; 3 is running.",
    BROKER_STATE_RUNNING,
  );
  yield* trafficFamilies(broker.partitions.traffic);
  const nowMs = broker.runtime.clock.monotonicMs();
  yield* requestFamilies(broker.requests, nowMs);
  yield* connectionFamilies(server);
  yield* waitingFamilies(broker);
  yield* quotaFamilies(broker.quotas);
  yield* logFamilies(broker.logActivity, broker.logResources(), broker.logDirectories, nowMs);
  const failed = broker.logDirectories.filter(({ isOnline }) => !isOnline).length;
  yield single("gauge", "kafka_log_logmanager_offlinelogdirectorycount", "Log directories that have failed.", failed);
  yield* replicaFamilies(broker);
  yield* replicationFamilies(broker.replication);
  const isController = broker.controller.controllerId === broker.nodeId;
  yield controller("activecontrollercount", "1 on the broker that is the active controller.", Number(isController));
  if (isController) yield* controllerFamilies(broker.image);
  yield* partitionFamilies(broker.partitions);
}

const TRANSPORTS = ["tcp", "websocket"] as const;

/** A listener without connections has none, which is not the same as not being there. */
function* connectionFamilies({ listeners, connections }: Server): Generator<MetricFamily> {
  const open = [...connections()];
  const countOf = (listener: string, transport: string) =>
    open.filter(({ listenerName, kind }) => listenerName === listener && kind === transport).length;
  yield {
    name: "kafka_server_socket_server_metrics_connection_count",
    type: "gauge",
    help: "Connections that speak Kafka, by listener and transport.",
    samples: listeners.flatMap(({ name: listener }) =>
      TRANSPORTS.map((transport) => ({ labels: { listener, transport }, value: countOf(listener, transport) })),
    ),
  };
}

function* waitingFamilies({ purgatory, fetchSessions }: BrokerServices): Generator<MetricFamily> {
  yield {
    name: "kafka_server_delayedoperationpurgatory_purgatorysize",
    type: "gauge",
    help: "Requests that wait for partitions to move.",
    samples: [{ labels: { delayedOperation: "Fetch" }, value: purgatory.size }],
  };
  yield single(
    "gauge",
    "kafka_server_fetchsessioncache_numincrementalfetchsessions",
    "Fetch sessions that are kept.",
    fetchSessions.size,
  );
  yield single(
    "gauge",
    "kafka_server_fetchsessioncache_numincrementalfetchpartitionscached",
    "Partitions in fetch sessions.",
    fetchSessions.partitionsCount,
  );
}

const replicaManager = (name: string, help: string, value: number) =>
  single("gauge", `kafka_server_replicamanager_${name}`, help, value);

/** So many partitions are counted in one turn of the event loop. */
const COUNTED_AT_ONCE = 1_000;

function* replicaFamilies({ partitions }: BrokerServices): Generator<MetricFamily | null> {
  let [hosted, offline, led, underReplicated, underMinIsr, atMinIsr] = [0, partitions.unopenedCount, 0, 0, 0, 0];
  for (const partition of partitions.all()) {
    if (++hosted % COUNTED_AT_ONCE === 0) yield null;
    if (partition.isOffline) offline++;
    if (!partition.isLeader) continue;
    led++;
    const { isr } = partition.image;
    const needed = replicasNeeded(partition);
    if (isUnderReplicated(partition.image)) underReplicated++;
    if (isr.length < needed) underMinIsr++;
    if (isr.length === needed) atMinIsr++;
  }
  yield replicaManager("partitioncount", "Partitions with a replica on this broker.", hosted);
  yield replicaManager("offlinereplicacount", "Replicas on this broker whose log has failed.", offline);
  yield replicaManager("leadercount", "Partitions that this broker leads.", led);
  yield replicaManager("underreplicatedpartitions", "Led partitions with replicas out of sync.", underReplicated);
  yield replicaManager("underminisrpartitioncount", "Led partitions below min.insync.replicas.", underMinIsr);
  yield replicaManager("atminisrpartitioncount", "Led partitions at min.insync.replicas.", atMinIsr);
}

const controller = (name: string, help: string, value: number) =>
  single("gauge", `kafka_controller_kafkacontroller_${name}`, help, value);

/** What the active controller alone tells. */
function* controllerFamilies(image: MetadataImage): Generator<MetricFamily | null> {
  let [topics, partitions, offline, imbalanced] = [0, 0, 0, 0];
  for (const [, topic] of image.topicsByName) {
    topics++;
    for (const partition of topic.partitions) {
      if (++partitions % COUNTED_AT_ONCE === 0) yield null;
      if (partition.leader < 0) offline++;
      else if (isImbalanced(partition)) imbalanced++;
    }
  }
  let [active, fenced] = [0, 0];
  for (const [, broker] of image.brokers) broker.fenced ? fenced++ : active++;
  yield controller("globaltopiccount", "Topics of the cluster.", topics);
  yield controller("globalpartitioncount", "Partitions of the cluster.", partitions);
  yield controller("offlinepartitionscount", "Partitions without a leader.", offline);
  yield controller("preferredreplicaimbalancecount", "Partitions not led by their first replica.", imbalanced);
  yield controller("activebrokercount", "Brokers that are registered and not fenced.", active);
  yield controller("fencedbrokercount", "Brokers that are registered and fenced.", fenced);
}

function isImbalanced({ leader, replicas }: PartitionImage): boolean {
  return leader !== replicas[0];
}
