import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import {
  type ClientUnderTest,
  CONFLUENT,
  clientContestant,
  javaScriptClients,
  medianLatency,
  OTTLA_TCP,
  OTTLA_WEBSOCKET,
  PLATFORMATIC,
  present,
} from "../processes/client-contestant.ts";
import { createTopic } from "../processes/topics.ts";

/** Who keeps up, and whom the others are compared with. */
interface Rate {
  readonly ratePerSecond: number;
  readonly clients: readonly ClientUnderTest[];
  readonly baseline: ClientUnderTest;
}

/** Above 1,000 a second, clients that make a request of each send fall behind without end: they are not asked. */
function rates(effort: Effort): Rate[] {
  const slow = { ratePerSecond: 1_000, clients: javaScriptClients(effort), baseline: PLATFORMATIC };
  if (effort.quick) return [slow];
  const ours = [OTTLA_TCP, OTTLA_WEBSOCKET];
  return [
    slow,
    { ratePerSecond: 10_000, clients: [...ours, ...present([CONFLUENT])], baseline: OTTLA_TCP },
    { ratePerSecond: 100_000, clients: ours, baseline: OTTLA_TCP },
  ];
}

async function* rows(effort: Effort): AsyncIterable<Row> {
  const broker = await BrokerUnderTest.start();
  try {
    for (const { ratePerSecond, clients, baseline } of rates(effort)) {
      const topic = await createTopic(broker, `end-to-end-${ratePerSecond}`, 1);
      const records = ratePerSecond * (effort.quick ? 0.5 : 1);
      yield {
        name: `${ratePerSecond.toLocaleString("en")} single sends a second, to the consumer's hands, median of`,
        unit: "ms",
        better: "less",
        baseline: baseline.name,
        repetitions: 5,
        contestants: clients.map((client) =>
          clientContestant(
            { ...client, settings: { acks: 1 } },
            broker,
            () => ({ kind: "latency", topic, records, ratePerSecond }),
            { figure: medianLatency },
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
  description: "latency of 100-byte records at a steady rate, acks=1, producer and consumer in one process",
  quietSeconds: { quick: 9, full: 67 },
  rows,
};
export default scenario;
