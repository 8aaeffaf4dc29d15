import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { ALL_CLIENTS, clientContestant, PLATFORMATIC, percentile } from "../processes/client-contestant.ts";
import { createTopic } from "../processes/topics.ts";

const RATE_PER_SECOND = 1_000;

async function* rows(effort: Effort): AsyncIterable<Row> {
  const broker = await BrokerUnderTest.start();
  try {
    const topic = await createTopic(broker, "end-to-end", 1);
    const records = RATE_PER_SECOND * (effort.quick ? 1 : 4);
    for (const share of [0.5, 0.99]) {
      yield {
        name: `1,000 single sends a second, p${share * 100} from send to the consumer's hands`,
        unit: "ms",
        better: "less",
        baseline: PLATFORMATIC.name,
        repetitions: 5,
        contestants: ALL_CLIENTS.map((client) =>
          clientContestant(
            client,
            broker,
            () => ({ kind: "latency", topic, records, ratePerSecond: RATE_PER_SECOND }),
            percentile(share),
          ),
        ),
      };
    }
  } finally {
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "end-to-end",
  description: "latency of 100-byte records at a steady rate, acks=all, producer and consumer in one process",
  rows,
};
export default scenario;
