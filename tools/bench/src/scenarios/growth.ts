import { Producer } from "@ottla/producer";
import { awaitCoordinator, ClassicMember, connectTo } from "../clients/group-member.ts";
import type { ClientRequest } from "../clients/protocol.ts";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { clientContestant, OTTLA_TCP } from "../processes/client-contestant.ts";
import { createTopic } from "../processes/topics.ts";

const PARTITIONS = 6;
const MEGABYTE = 1024 * 1024;
/** Groups that join at a time. */
const CONCURRENCY = 50;

/** One point of a curve: how much there is of what grows, and what brings it about. */
interface Point {
  readonly name: string;
  readonly recordBytes?: number;
  readonly connections?: number;
  /** Called once, before the first repetition. */
  prepare?(broker: BrokerUnderTest, topic: string): Promise<void>;
}

/** Each point has a broker of its own, so that what one brought about is nobody else's burden. */
function point(curve: string, at: Point, bytesPerRepetition: number): Contestant {
  const { name, recordBytes = 100, connections = 1 } = at;
  let broker: BrokerUnderTest | undefined;
  let asked: Contestant | undefined;
  const calls = Math.max(connections, Math.ceil(bytesPerRepetition / (recordsPerCall(recordBytes) * recordBytes)));
  const prepare = async () => {
    broker = await BrokerUnderTest.start();
    const topic = await createTopic(broker, curve, PARTITIONS);
    await at.prepare?.(broker, topic);
    const request = (): ClientRequest => ({
      kind: "produceBatches",
      topics: [topic],
      calls,
      recordsPerCall: recordsPerCall(recordBytes),
      callsInFlight: Math.max(4, connections),
      recordBytes,
      connections,
    });
    asked = clientContestant(OTTLA_TCP, broker, request, {
      name,
      figure: ({ records, elapsedMs }) => (records * recordBytes) / (elapsedMs * 1_000),
    });
    await asked.prepare?.();
  };
  return {
    name,
    canDoLess: true,
    prepare,
    measure: (effort) => asked!.measure(effort),
    async close() {
      await asked?.close?.();
      await broker?.stop();
    },
  };
}

/** About 100 KB a call, whatever the records' size. */
function recordsPerCall(recordBytes: number): number {
  return Math.max(1, Math.round(100_000 / recordBytes));
}

async function idleGroups({ port }: BrokerUnderTest, topic: string, groups: number): Promise<void> {
  const connections = await Promise.all(Array.from({ length: CONCURRENCY }, () => connectTo(port)));
  await awaitCoordinator(connections[0]!);
  const joinShare = async (index: number) => {
    for (let group = index; group < groups; group += CONCURRENCY) {
      const member = new ClassicMember(connections[index]!, `idle-${group}`, topic);
      await member.join(0);
      await member.commit();
    }
  };
  await Promise.all(connections.map((_, index) => joinShare(index)));
  for (const connection of connections) void connection.close();
}

async function addToLog({ port }: BrokerUnderTest, topic: string, megabytes: number): Promise<void> {
  await using producer = new Producer({ bootstrapServers: `127.0.0.1:${port}` });
  const value = new Uint8Array(100_000);
  for (let added = 0; added < megabytes * MEGABYTE; added += 60 * value.length) {
    const records = Array.from({ length: 60 }, (_, i) => ({ topic, value, partition: i % PARTITIONS }));
    await producer.send(records);
  }
}

function* curves(quick: boolean): Iterable<readonly [curve: string, points: readonly Point[]]> {
  const sizes = quick ? [100, 10_000] : [20, 100, 1_000, 10_000, 100_000];
  yield ["record-size", sizes.map((recordBytes) => ({ name: `${recordBytes.toLocaleString("en")} B`, recordBytes }))];
  const connections = quick ? [1, 50] : [1, 10, 100, 500];
  yield ["connections", connections.map((count) => ({ name: `${count} connection(s)`, connections: count }))];
  if (quick) return;
  yield [
    "groups",
    [0, 1_000, 5_000].map((count) => ({
      name: `${count.toLocaleString("en")} idle groups`,
      prepare: (broker, topic) => (count === 0 ? Promise.resolve() : idleGroups(broker, topic, count)),
    })),
  ];
  yield [
    "log-size",
    [0, 100, 1_000].map((megabytes) => ({
      name: `${megabytes.toLocaleString("en")} MB in the log`,
      prepare: (broker, topic) => addToLog(broker, topic, megabytes),
    })),
  ];
}

function* rows({ quick }: Effort): Iterable<Row> {
  const bytesPerRepetition = quick ? 5_000_000 : 12_000_000;
  for (const [curve, points] of curves(quick)) {
    const contestants = points.map((at) => point(curve, at, bytesPerRepetition));
    yield {
      name: `produce arrays of 100 KB, by ${curve.replace("-", " ")}`,
      unit: "MB/s",
      baseline: curve === "record-size" ? contestants.find(({ name }) => name === "100 B")!.name : contestants[0]!.name,
      repetitions: quick ? 2 : 5,
      contestants,
    };
  }
}

const scenario: Scenario = {
  name: "growth",
  description:
    "how throughput changes with record size, connections, idle groups and the size of the log (partitions: workloads)",
  quietSeconds: { quick: 6, full: 40 },
  inQuick: false,
  rows,
};
export default scenario;
