import type { MetricFamily, MetricSample } from "./metric-family.ts";
import type { BrokerTraffic, TopicTraffic } from "./traffic.ts";

/** Kafka's BrokerTopicMetrics: name, what it counts, and where that stands. */
const COUNTERS: readonly [name: string, help: string, count: (traffic: TopicTraffic) => number][] = [
  ["messagesin", "Records that clients wrote.", ({ recordsIn }) => recordsIn],
  ["bytesin", "Bytes of record batches that clients wrote.", ({ bytesIn }) => bytesIn],
  ["bytesout", "Bytes of record batches that clients read.", ({ bytesOut }) => bytesOut],
  ["totalproducerequests", "Partitions named in produce requests.", ({ produceRequests }) => produceRequests],
  ["totalfetchrequests", "Partitions read for fetch requests.", ({ fetchRequests }) => fetchRequests],
  [
    "failedproducerequests",
    "Partitions whose part of a produce request failed.",
    ({ failedProduceRequests }) => failedProduceRequests,
  ],
  [
    "failedfetchrequests",
    "Partitions whose part of a fetch request failed.",
    ({ failedFetchRequests }) => failedFetchRequests,
  ],
];

export function* trafficFamilies(traffic: BrokerTraffic): Generator<MetricFamily> {
  for (const [name, help, count] of COUNTERS) {
    yield {
      name: `kafka_server_brokertopicmetrics_${name}_total`,
      type: "counter",
      help,
      samples: samplesOf(traffic, count),
    };
  }
}

/** The sum of all topics has no label. */
function* samplesOf(traffic: BrokerTraffic, count: (traffic: TopicTraffic) => number): Generator<MetricSample> {
  yield { labels: {}, value: count(traffic.all) };
  for (const [topic, ofTopic] of traffic.topics()) yield { labels: { topic }, value: count(ofTopic) };
}
