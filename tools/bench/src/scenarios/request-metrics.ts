import { RequestMetrics } from "@ottla/broker/internal";
import { encodeRecordBatch, produceApi } from "@ottla/protocol";
import type { BrokerConnection } from "@ottla/transport";
import { connectTo } from "../clients/group-member.ts";
import { repeat } from "../harness/repeat.ts";
import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { createTopic } from "../processes/topics.ts";
import { systemRuntime } from "../storage/temporary-log.ts";

const TOPIC = "counted";
/** Under way at a time: the broker does not sleep between them, so none costs more than it must. */
const CONCURRENCY = 50;
const VERSION = 12;
const REQUEST_BYTES = 200;
const RESPONSE = { responses: [{ name: TOPIC, partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] }] };

/** Requests that a broker handles in a second of its CPU time, each with one record. */
async function requestsPerCpuSecond(
  broker: BrokerUnderTest,
  connection: BrokerConnection,
  rounds: number,
): Promise<number> {
  const records = encodeRecordBatch({ records: [{ value: "v".repeat(100) }] });
  const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks: 1, timeoutMs: 10_000, topicData };
  const request = () => connection.request(produceApi, body, { version: VERSION });
  const beforeMs = broker.cpuMs() ?? Number.NaN;
  for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: CONCURRENCY }, request));
  return (rounds * CONCURRENCY * 1_000) / ((broker.cpuMs() ?? Number.NaN) - beforeMs);
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  const broker = await BrokerUnderTest.start();
  const connection = await connectTo(broker.port);
  try {
    await createTopic(broker, TOPIC, 1);
    const { clock } = systemRuntime;
    const metrics = new RequestMetrics(clock);
    const counting = repeat("what RequestMetrics do", 1, () => {
      const receivedAtMs = clock.monotonicMs();
      metrics.ended(metrics.begun(produceApi, VERSION, REQUEST_BYTES, receivedAtMs), receivedAtMs, RESPONSE);
    });
    let wholePerCpuSecond = Number.NaN;
    const whole = {
      name: "all of the request",
      async measure() {
        wholePerCpuSecond = await requestsPerCpuSecond(broker, connection, quick ? 40 : 200);
        return { figure: 100, perCpuSecond: wholePerCpuSecond };
      },
    };
    const share = {
      name: counting.name,
      async measure(effort: Effort) {
        const { perCpuSecond = Number.NaN } = await counting.measure(effort);
        return { figure: (100 * wholePerCpuSecond) / perCpuSecond, perCpuSecond };
      },
    };
    yield {
      name: "counting and timing a Produce request of one record",
      unit: "% of the broker's CPU time for it",
      better: "less",
      baseline: whole.name,
      repetitions: 5,
      contestants: [whole, share],
    };
  } finally {
    void connection.close();
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "request-metrics",
  description: "what the metrics of requests cost beside the requests themselves",
  quietSeconds: { quick: 3, full: 4 },
  inQuick: false,
  rows,
};
export default scenario;
