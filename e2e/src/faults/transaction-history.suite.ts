import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Admin } from "@ottla/admin";
import { seededRandom } from "@ottla/runtime";
import { findAnomalies } from "@ottla/testing/internal";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { ClusterProcesses } from "../harness/cluster-processes.ts";
import { zooKeeperClassPath } from "../harness/external.ts";
import { readCommitted } from "../harness/read-committed.ts";
import { until } from "../harness/until.ts";
import { RecordedProcess } from "../history/recorded-process.ts";

const IS_DEEP = Boolean(process.env.OTTLA_TEST_DEEP);
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const WRITERS = 3;
const PARTITIONS = ["a-0", "a-1", "b-0"];

/** Longer than a writer's transaction may take: it wakes as a zombie. */
const WRITER_PAUSE_MS = 4_500;
const BROKER_SETTING = "transaction.abort.timed.out.transaction.cleanup.interval.ms=500";

/** Where the transactions are, and what can happen to it. `pick` says to which broker, where there are several. */
interface Place {
  readonly bootstrapServers: string;
  killBroker(pick: number): Promise<void>;
  pauseBroker(pick: number): Promise<void>;
  stop(): Promise<void>;
}

const paused = async (child: { kill(signal: NodeJS.Signals): boolean }, forMs: number) => {
  child.kill("SIGSTOP");
  await sleep(forMs);
  child.kill("SIGCONT");
};

async function oneBroker(): Promise<Place> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "ottla-history-"));
  const args = ["--set", BROKER_SETTING];
  let broker = await BrokerProcess.start({ dataDirectory, args });
  return {
    bootstrapServers: broker.bootstrapServers,
    async killBroker() {
      broker.child.kill("SIGKILL");
      await once(broker.child, "exit");
      broker = await BrokerProcess.start({ dataDirectory, port: broker.port, args });
    },
    pauseBroker: () => paused(broker.child, 1_500),
    async stop() {
      await broker.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** A killed broker stays away for as long as others take to be its successors; one that stood still wakes as a zombie. */
async function threeBrokers(): Promise<Place> {
  const cluster = await ClusterProcesses.start({ set: [BROKER_SETTING] });
  const broker = (pick: number) => cluster.brokerIds[pick % cluster.brokerIds.length]!;
  return {
    bootstrapServers: cluster.bootstrapServers,
    async killBroker(pick) {
      await cluster.killBroker(broker(pick));
      await sleep(pick % 2 === 0 ? 0 : 3_000);
      await cluster.startBroker(broker(pick));
    },
    pauseBroker: (pick) => paused(cluster.broker(broker(pick)).child, 4_000),
    stop: () => cluster.stop(),
  };
}

const PLACES = [
  { where: "one broker", start: oneBroker, rounds: IS_DEEP ? 60 : 10, isAbsent: false },
  { where: "three brokers", start: threeBrokers, rounds: IS_DEEP ? 60 : 9, isAbsent: zooKeeperClassPath === null },
];

describe.each(PLACES.filter(({ isAbsent }) => !isAbsent))(
  `a history of transactions on $where over $rounds faults (seed ${SEED})`,
  { concurrent: true },
  ({ start, rounds }) => {
    const random = seededRandom(SEED);
    const writers: RecordedProcess[] = [];
    const readers: RecordedProcess[] = [];
    const current: RecordedProcess[] = [];
    let place: Place;

    beforeAll(async () => {
      place = await start();
      await using admin = new Admin({ bootstrapServers: place.bootstrapServers });
      await admin.createTopics([
        { name: "a", partitions: 2 },
        { name: "b", partitions: 1 },
      ]);
    });
    afterAll(async () => {
      for (const child of [...writers, ...readers]) await child.stop("SIGKILL");
      await place?.stop();
    });

    function startWriter(slot: number): void {
      const name = `w${writers.length}`;
      const writer = new RecordedProcess("writer", name, [
        ...[place.bootstrapServers, `writer-${slot}`, name, PARTITIONS.join()],
      ]);
      writers.push(writer);
      current[slot] = writer;
    }

    function startReader(): RecordedProcess {
      const name = `r${readers.length}`;
      const reader = new RecordedProcess("reader", name, [place.bootstrapServers, name, PARTITIONS.join()]);
      readers.push(reader);
      return reader;
    }

    const faults: Readonly<Record<string, (slot: number) => Promise<void>>> = {
      killBroker: () => place.killBroker(random.nextInt(100)),
      pauseBroker: () => place.pauseBroker(random.nextInt(100)),
      killWriter: async (slot) => {
        await current[slot]!.stop("SIGKILL");
        startWriter(slot);
      },
      /** A zombie: its successor is there when it wakes. */
      pauseWriter: async (slot) => {
        const zombie = current[slot]!;
        zombie.child.kill("SIGSTOP");
        startWriter(slot);
        await sleep(500);
        zombie.child.kill("SIGCONT");
        await until(
          "the zombie is fenced",
          () => !zombie.isAlive,
          15_000,
          () => zombie.trouble.slice(-2000),
        );
      },
      /** Its transaction has timed out when it wakes. */
      slowWriter: (slot) => paused(current[slot]!.child, WRITER_PAUSE_MS),
      killReader: async () => {
        await readers.at(-1)!.stop("SIGKILL");
        startReader();
      },
      pauseReader: () => paused(readers.at(-1)!.child, 500),
    };

    it("has no anomaly", { timeout: 60_000 + rounds * 15_000 }, async () => {
      startReader();
      for (let slot = 0; slot < WRITERS; slot++) startWriter(slot);
      const names = Object.keys(faults);
      for (let round = 0; round < rounds; round++) {
        const committed = current.map((writer) => writer.committed);
        const isMoving = () =>
          current.every((writer, slot) => !writer.isAlive || writer.committed > committed[slot]! + 5);
        await until("all writers commit", isMoving, 60_000, () => current.map(({ trouble }) => trouble).join("\n"));
        for (let slot = 0; slot < WRITERS; slot++) if (!current[slot]!.isAlive) startWriter(slot);
        await sleep(random.nextInt(50));
        await faults[names[round % names.length]!]!(random.nextInt(WRITERS));
      }
      for (const writer of current) await writer.stop();

      // The log as it is when all has ended; nothing hangs, or this would not come to an end.
      const values = new Map<string, string[]>();
      for (const name of PARTITIONS) {
        const [topic, index] = name.split("-");
        values.set(name, await readCommitted(place.bootstrapServers, { topic: topic!, partition: Number(index) }));
      }
      const last = startReader();
      const count = [...values.values()].flat().length;
      await until("the last reader has read all", () => last.reads.length >= count);
      for (const reader of readers) await reader.stop();

      const transactions = writers.flatMap((writer) => writer.transactions);
      const reads = readers.flatMap((reader) => reader.reads);
      const outcomes = (outcome: string) =>
        transactions.filter((transaction) => transaction.outcome === outcome).length;
      console.log(
        `${outcomes("committed")} committed, ${outcomes("aborted")} aborted, ${outcomes("unknown")} unknown, ` +
          `${reads.length} reads by ${readers.length} readers, ${writers.length} writers`,
      );
      expect(outcomes("committed")).toBeGreaterThan(rounds * WRITERS);
      expect(outcomes("aborted")).toBeGreaterThan(0);
      expect(findAnomalies({ transactions, reads })).toEqual([]);
      for (const name of PARTITIONS) {
        expect(last.reads.filter(({ partition }) => partition === name).map(({ value }) => value)).toEqual(
          values.get(name),
        );
      }
    });
  },
);
