import type { ClientRequest } from "../clients/protocol.ts";
import type { Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import {
  BARE_ROUND_TRIP,
  type ClientUnderTest,
  clientContestant,
  isSlow,
  JAVA_TUNED,
  javaScriptClients,
  KCAT,
  medianLatency,
  OTTLA_WEBSOCKET,
  PLATFORMATIC,
  present,
} from "../processes/client-contestant.ts";
import { EchoServer } from "../processes/echo-server.ts";
import { createTopic } from "../processes/topics.ts";

/** Request by request, the rivals are so much slower that the same amount would take them minutes. */
const isOurs = ({ kind }: ClientUnderTest) => kind === "ottla";

async function* rows(effort: Effort): AsyncIterable<Row> {
  const all = javaScriptClients(effort);
  const clients = effort.quick ? all.filter((client) => client !== OTTLA_WEBSOCKET) : all;
  const batchClients = [...clients, ...present(effort.quick ? [KCAT] : [JAVA_TUNED, KCAT])];
  const broker = await BrokerUnderTest.start();
  const echo = await EchoServer.start();
  const scale = effort.quick ? 0.25 : 1;
  try {
    for (const partitions of effort.quick ? [1] : [1, 6]) {
      const topic = await createTopic(broker, `batches-${partitions}`, partitions);
      const name = `arrays of 1,000 records, 4 calls at a time, ${partitions} partition(s)`;
      yield row(broker, batchClients, name, (client) => ({
        kind: "produceBatches",
        topics: [topic],
        calls: (isSlow(client) ? 160 : 400) * scale,
        recordsPerCall: 1_000,
        callsInFlight: 4,
        recordBytes: 100,
      }));
    }
    const topic = await createTopic(broker, "singles", 1);
    yield row(broker, clients, "single sends, 1,000 awaited at a time", (client) => ({
      kind: "produceSingles",
      topic,
      records: (isOurs(client) ? 200_000 : 10_000) * scale,
      concurrency: 1_000,
    }));
    const oneByOne = await createTopic(broker, "one-by-one", 1);
    const request = () =>
      ({ kind: "latency", topic: oneByOne, records: 2_000 * scale, ratePerSecond: 0 }) satisfies ClientRequest;
    const inTime = { figure: medianLatency };
    yield {
      name: "one send at a time, median of",
      unit: "ms",
      better: "less",
      baseline: BARE_ROUND_TRIP.name,
      repetitions: 5,
      contestants: [
        clientContestant(BARE_ROUND_TRIP, echo, request, inTime),
        ...clients.map((client) => clientContestant(client, broker, request, inTime)),
      ],
    };
  } finally {
    await echo.stop();
    await broker.stop();
  }
}

function row(
  broker: BrokerUnderTest,
  clients: readonly ClientUnderTest[],
  name: string,
  request: (client: ClientUnderTest) => ClientRequest,
): Row {
  return {
    name,
    unit: "records/s",
    baseline: PLATFORMATIC.name,
    isMain: true,
    recordBytes: 100,
    repetitions: 5,
    contestants: clients.map((client) => clientContestant(client, broker, request)),
  };
}

const scenario: Scenario = {
  name: "produce",
  description: "100-byte records to one broker on disk, acks=all, no compression; client and broker share the machine",
  quietSeconds: { quick: 15, full: 92 },
  rows,
};
export default scenario;
