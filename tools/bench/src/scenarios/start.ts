import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { startBroker } from "@ottla/broker-app";
import { KAFKA_VERSION } from "../../../fetch/external-programs.mjs";
import { connectTo } from "../clients/group-member.ts";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { hasKafka, KafkaUnderTest } from "../processes/kafka.ts";
import { installedNodes, type NodeVersion } from "../processes/node-versions.ts";
import { residentBytesOf } from "../processes/proc.ts";
import { createTopic } from "../processes/topics.ts";

const MEGABYTE = 1024 * 1024;
/** Long enough for what starts late to have started. */
const SETTLE_MS = 1_000;

/** The least that any program on this Node.js takes. */
function bareStart({ version, path }: NodeVersion): Contestant {
  return {
    name: `Node.js ${version}, an empty program`,
    measure() {
      const startedMs = performance.now();
      spawnSync(path, ["-e", "0"]);
      return { figure: performance.now() - startedMs };
    },
  };
}

/** With the compile cache where the version has one: the start before it, which does not count, has filled it. */
function brokerStart({ version, path }: NodeVersion): Contestant {
  return {
    name: `Node.js ${version}, ottla broker, says that it is ready`,
    async measure() {
      const broker = await BrokerUnderTest.start([], path);
      await broker.stop();
      return { figure: broker.startMs };
    },
  };
}

/** A connection begins with an ApiVersions, and is there when that is answered. */
function brokerAnswer({ version, path }: NodeVersion): Contestant {
  return {
    name: `Node.js ${version}, ottla broker, has answered an ApiVersions`,
    async measure() {
      const startedMs = performance.now();
      const broker = await BrokerUnderTest.start([], path);
      const connection = await connectTo(broker.port);
      const figure = performance.now() - startedMs;
      void connection.close();
      await broker.stop();
      return { figure };
    },
  };
}

const kafkaAnswer: Contestant = {
  name: `Apache Kafka ${KAFKA_VERSION}`,
  async measure() {
    const kafka = await KafkaUnderTest.start();
    await kafka.stop();
    return { figure: kafka.startMs };
  },
};

/** As tests of users have it: in a process that has started one before. */
const startInProcess: Contestant = {
  name: "startBroker({ port: 0, memory: true })",
  async measure() {
    const startedMs = performance.now();
    await using broker = await startBroker({ port: 0, memory: true });
    return { figure: broker.port > 0 ? performance.now() - startedMs : Number.NaN };
  },
};

const bareNodeMemory: Contestant = {
  name: "node, an empty program",
  async measure() {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    await settle();
    const bytes = residentBytesOf(child.pid ?? 0) ?? Number.NaN;
    child.kill("SIGKILL");
    await once(child, "exit");
    return { figure: bytes / MEGABYTE };
  },
};

function brokerMemory(name: string, partitions: number): Contestant {
  return {
    name,
    async measure() {
      const broker = await BrokerUnderTest.start();
      if (partitions > 0) await createTopic(broker, "idle", partitions);
      await settle();
      const bytes = broker.residentBytes() ?? Number.NaN;
      await broker.stop();
      return { figure: bytes / MEGABYTE };
    },
  };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** The time of a broker's start is measured by a bare one of the same Node.js. */
function* rows({ quick }: Effort): Iterable<Row> {
  for (const node of quick ? installedNodes().slice(0, 1) : installedNodes()) {
    const bare = bareStart(node);
    yield {
      name: `from spawn (the bound is ${Number.parseInt(node.version.slice(1), 10) < 22 ? 210 : 150} ms)`,
      unit: "ms",
      better: "less",
      baseline: bare.name,
      repetitions: 5,
      contestants: [bare, brokerStart(node), brokerAnswer(node)],
    };
  }
  yield {
    name: "a broker in a warm process, until it is ready (the bound is 30 ms)",
    unit: "ms",
    better: "less",
    baseline: startInProcess.name,
    repetitions: 5,
    warmUps: 3,
    contestants: [startInProcess],
  };
  if (quick) return;
  if (hasKafka()) {
    const [node] = installedNodes();
    yield {
      name: "from spawn to the first answer, beside Apache Kafka (the bound is a twentieth)",
      unit: "ms",
      better: "less",
      baseline: kafkaAnswer.name,
      repetitions: 3,
      warmUps: 0,
      contestants: [kafkaAnswer, brokerAnswer(node!)],
    };
  } else console.error("  SKIPPED: Apache Kafka's jars or Java are absent");
  yield {
    name: "resident memory, idle (the bound is 80 MB)",
    unit: "MB",
    better: "less",
    baseline: bareNodeMemory.name,
    repetitions: 3,
    contestants: [
      bareNodeMemory,
      brokerMemory("ottla broker", 0),
      brokerMemory("ottla broker, 1,000 partitions", 1_000),
    ],
  };
}

const scenario: Scenario = {
  name: "start",
  description: "how long a broker takes to start, and what it holds while it has nothing to do",
  quietSeconds: { quick: 4, full: 55 },
  rows,
};
export default scenario;
