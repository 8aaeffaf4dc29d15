import type { BrokerConnection } from "@ottla/transport";
import { awaitCoordinator, ClassicMember, ConsumerMember, connectTo } from "../clients/group-member.ts";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { hasKafka, KafkaUnderTest } from "../processes/kafka.ts";
import { createTopic } from "../processes/topics.ts";

const KILOBYTE = 1024;
const MEMBERS = 1_000;
const TOPIC = "shared";
const SETTLE_MS = 2_000;
const ROUNDS_MAX = 100;
/** Requests under way at a time. */
const CONCURRENCY = 50;

/** The same for both: time for all to arrive, and targets that may follow each other at once. */
const SETTINGS = {
  "group.initial.rebalance.delay.ms": "2000",
  "group.consumer.assignment.interval.ms": "0",
};

interface Target {
  readonly port: number;
  residentBytes(): number | undefined;
  stop(): Promise<void>;
}

interface Kind {
  readonly name: string;
  start(settings: Readonly<Record<string, string>>): Promise<Target>;
}

const ottla: Kind = {
  name: "ottla broker",
  start: (settings) =>
    BrokerUnderTest.start(Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`])),
};

const kafka: Kind = { name: "Apache Kafka", start: (settings) => KafkaUnderTest.start(settings) };

/** Memory that a thousand idle groups add, each with one member and a committed offset. */
function memoryOf(kind: Kind, groups: number): Contestant {
  return {
    name: kind.name,
    async measure() {
      const target = await kind.start({ ...SETTINGS, "group.initial.rebalance.delay.ms": "0" });
      try {
        await createTopic(target, TOPIC, 1);
        const connections = await connect(target, CONCURRENCY);
        await open(connections, "warm-up", CONCURRENCY);
        await settle();
        const before = target.residentBytes() ?? Number.NaN;
        await open(connections, "idle", groups);
        await settle();
        const after = target.residentBytes() ?? Number.NaN;
        for (const connection of connections) void connection.close();
        return { figure: (after - before) / KILOBYTE / groups };
      } finally {
        await target.stop();
      }
    },
  };
}

async function open(connections: readonly BrokerConnection[], prefix: string, groups: number): Promise<void> {
  await eachOf(connections, async (connection, index) => {
    for (let group = index; group < groups; group += connections.length) {
      const member = new ClassicMember(connection, `${prefix}-${group}`, TOPIC);
      await member.join(0);
      await member.commit();
    }
  });
}

/** A group of the classic protocol that rebalances: everybody joins again, and has its assignment. */
class ClassicRebalance implements Contestant {
  readonly name: string;
  readonly #kind: Kind;
  #target: Target | undefined;
  #members: readonly ClassicMember[] = [];
  #connections: readonly BrokerConnection[] = [];
  #round = 0;

  constructor(kind: Kind) {
    this.name = kind.name;
    this.#kind = kind;
  }

  async measure() {
    if (this.#target === undefined) await this.#open();
    const startedMs = performance.now();
    await this.#rebalance();
    return { figure: performance.now() - startedMs };
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) void connection.close();
    await this.#target?.stop();
  }

  async #open(): Promise<void> {
    this.#target = await this.#kind.start(SETTINGS);
    await createTopic(this.#target, TOPIC, MEMBERS);
    this.#connections = await connect(this.#target, MEMBERS);
    this.#members = this.#connections.map((connection) => new ClassicMember(connection, "large", TOPIC));
    await this.#rebalance();
  }

  async #rebalance(): Promise<void> {
    const round = ++this.#round;
    for (let attempts = 0; attempts < ROUNDS_MAX; attempts++) {
      await Promise.all(this.#members.map((member) => member.join(round)));
      if (new Set(this.#members.map(({ generation }) => generation)).size === 1) return;
    }
    throw new Error("the group does not come to rest");
  }
}

/** A group of the consumer protocol that comes into being: everybody joins, and has its partition. */
class ConsumerRebalance implements Contestant {
  readonly name: string;
  readonly #kind: Kind;
  #target: Target | undefined;
  #connections: readonly BrokerConnection[] = [];
  #round = 0;

  constructor(kind: Kind) {
    this.name = kind.name;
    this.#kind = kind;
  }

  async measure() {
    if (this.#target === undefined) await this.#open();
    const groupId = `large-${++this.#round}`;
    const members = this.#connections.map((connection, index) => {
      return new ConsumerMember(connection, groupId, TOPIC, `member-${index}`);
    });
    const startedMs = performance.now();
    await Promise.all(members.map((member) => member.join()));
    for (let rounds = 0; members.some(({ partitions }) => partitions !== 1); rounds++) {
      if (rounds > ROUNDS_MAX) throw new Error("the group does not come to rest");
      await Promise.all(members.map((member) => member.heartbeat()));
    }
    const figure = performance.now() - startedMs;
    await Promise.all(members.map((member) => member.leave()));
    return { figure };
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) void connection.close();
    await this.#target?.stop();
  }

  async #open(): Promise<void> {
    this.#target = await this.#kind.start(SETTINGS);
    await createTopic(this.#target, TOPIC, MEMBERS);
    this.#connections = await connect(this.#target, MEMBERS);
  }
}

async function connect(target: Target, count: number): Promise<BrokerConnection[]> {
  const connections: BrokerConnection[] = [];
  while (connections.length < count) {
    const missing = Math.min(CONCURRENCY, count - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: missing }, () => connectTo(target.port)))));
  }
  await awaitCoordinator(connections[0]!);
  return connections;
}

async function eachOf<T>(items: readonly T[], action: (item: T, index: number) => Promise<void>): Promise<void> {
  await Promise.all(items.map(action));
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

function* rows(effort: Effort): Iterable<Row> {
  const kinds = hasKafka() ? [ottla, kafka] : [ottla];
  const baseline = kinds.at(-1)!.name;
  const groups = effort.quick ? 2_000 : 10_000;
  yield {
    name: `resident memory for each of ${groups.toLocaleString("en")} idle groups with one member`,
    unit: "kB",
    better: "less",
    baseline,
    repetitions: effort.quick ? 1 : 2,
    contestants: kinds.map((kind) => memoryOf(kind, groups)),
  };
  yield {
    name: "classic protocol: a full rebalance of 1,000 members over 1,000 partitions",
    unit: "ms",
    better: "less",
    baseline,
    repetitions: effort.quick ? 3 : 5,
    contestants: kinds.map((kind) => new ClassicRebalance(kind)),
  };
  yield {
    name: "consumer protocol: 1,000 members join, until each has its own of 1,000 partitions",
    unit: "ms",
    better: "less",
    baseline,
    repetitions: effort.quick ? 3 : 5,
    contestants: kinds.map((kind) => new ConsumerRebalance(kind)),
  };
}

const scenario: Scenario = {
  name: "groups",
  description: "what thousands of idle groups take, and how long one of 1,000 members needs to rebalance",
  quietSeconds: { quick: 25, full: 120 },
  inQuick: false,
  inFull: false,
  rows,
};
export default scenario;
