import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { type BenchBroker, BrokerUnderTest } from "../processes/broker.ts";
import { endToEndLatency } from "../processes/end-to-end-latency.ts";
import { hasKafka, KafkaUnderTest } from "../processes/kafka.ts";
import { createTopic } from "../processes/topics.ts";

const TOPIC = "latency";

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  if (!hasKafka()) {
    console.error("  SKIPPED: Apache Kafka's jars or Java are absent");
    return;
  }
  const brokers: BenchBroker[] = [await BrokerUnderTest.start(), await KafkaUnderTest.start()];
  try {
    for (const broker of brokers) await createTopic(broker, TOPIC, 1);
    const records = 1_000;
    const contestants = brokers.map(
      (broker): Contestant => ({
        name: broker.name,
        async measure() {
          const { average, ...latencyMs } = await endToEndLatency(broker, TOPIC, records);
          return { figure: average, latencyMs };
        },
      }),
    );
    yield {
      name: `Java's EndToEndLatency, ${records.toLocaleString("en")} records one at a time, average of`,
      unit: "ms",
      better: "less",
      baseline: brokers.at(-1)!.name,
      repetitions: quick ? 1 : 5,
      contestants,
    };
  } finally {
    await Promise.all(brokers.map((broker) => broker.stop()));
  }
}

const scenario: Scenario = {
  name: "java-latency",
  description: "Apache Kafka's own EndToEndLatency tool on our broker and on Apache Kafka",
  quietSeconds: { quick: 24, full: 30 },
  inQuick: false,
  rows,
};
export default scenario;
