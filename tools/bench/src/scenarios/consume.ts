import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import {
  type ClientUnderTest,
  clientContestant,
  isSlow,
  JAVA_TUNED,
  javaScriptClients,
  KAFKAJS,
  KCAT,
  present,
} from "../processes/client-contestant.ts";
import { fillTopic } from "../processes/topics.ts";

const IN_BATCHES: readonly ClientUnderTest[] = [
  { name: "ottla, batches", kind: "ottla-batches", transport: "tcp" },
  { name: "ottla, batches, WebSocket", kind: "ottla-batches", transport: "websocket" },
];

async function* rows(effort: Effort): AsyncIterable<Row> {
  const all = [...IN_BATCHES, ...javaScriptClients(effort)];
  const chosen = effort.quick ? all.filter(({ transport }) => transport === "tcp") : all;
  const clients = [...chosen, ...present(effort.quick ? [KCAT] : [JAVA_TUNED, KCAT])];
  const broker = await BrokerUnderTest.start();
  try {
    for (const partitions of effort.quick ? [1] : [1, 6]) {
      const records = effort.quick ? 200_000 : 600_000;
      const topic = await fillTopic(broker, `read-${partitions}`, partitions, records);
      yield {
        name: `${records.toLocaleString("en")} records (a third for slow clients), keys and values touched, ${partitions} partition(s)`,
        unit: "records/s",
        baseline: KAFKAJS.name,
        isMain: true,
        recordBytes: 100,
        repetitions: 5,
        contestants: clients.map((client) =>
          clientContestant(client, broker, () => ({
            kind: "consume",
            topic,
            partitions,
            records: records / (isSlow(client) ? 3 : 1),
            recordBytes: 100,
          })),
        ),
      };
    }
  } finally {
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "consume",
  description:
    "100-byte records from one broker; the clock starts with the first fetch, connecting and joining a group are left out",
  quietSeconds: { quick: 10, full: 82 },
  rows,
};
export default scenario;
