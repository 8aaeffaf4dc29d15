import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Consumer, type ConsumerOptions } from "@ottla/consumer";
import { AssignerProtocol, type Assignment, Kafka, logLevel, type PartitionAssigner } from "kafkajs";
import { external, kafkaClassPath } from "./external.ts";
import { SHORT_LIVED_JVM } from "./java.ts";
import { javaProgram } from "./java-programs.ts";

/** One member of a group, whoever made its client. */
export interface TestMember {
  readonly kind: string;
  /** Values in the order in which they were handled. */
  readonly values: readonly string[];
  /** `topic-partition`, sorted. */
  assigned(): readonly string[];
  /** Leaves in order. */
  close(): Promise<void>;
  /** Is gone from one moment to the next. Only processes of their own can be killed. */
  kill(): Promise<void>;
}

/** Told of each record that a member handles. */
export type OnRecord = (value: string, member: TestMember) => void;

/** Our SDK, in this process. */
export class OurMember implements TestMember {
  readonly kind = "ottla";
  readonly values: string[] = [];
  readonly consumer: Consumer;
  readonly #ended: Promise<void>;

  constructor(options: ConsumerOptions, onRecord: OnRecord = () => {}) {
    this.consumer = new Consumer({ autoOffsetReset: "earliest", autoCommitIntervalMs: 200, ...options });
    this.#ended = this.#read(onRecord);
  }

  async #read(onRecord: OnRecord): Promise<void> {
    for await (const record of this.consumer) {
      this.values.push(record.value!);
      onRecord(record.value!, this);
    }
  }

  assigned(): readonly string[] {
    return this.consumer
      .assignment()
      .map(({ topic, partition }) => `${topic}-${partition}`)
      .sort();
  }

  async close(): Promise<void> {
    await this.consumer.close();
    await this.#ended;
  }

  async kill(): Promise<void> {
    throw new Error("our member lives in the process of the test");
  }
}

/** kafkajs calls its own assigner by another name than everybody else: under `roundrobin` it may share a group. */
const roundRobin: PartitionAssigner = ({ cluster }) => ({
  name: "roundrobin",
  version: 0,
  async assign({ members, topics }): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const ids = members.map(({ memberId }) => memberId).sort();
    const shares = new Map<string, Assignment>(ids.map((id) => [id, {}]));
    let turn = 0;
    for (const topic of [...topics].sort()) {
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const share = shares.get(ids[turn++ % ids.length]!)!;
        share[topic] = [...(share[topic] ?? []), partitionId];
      }
    }
    return ids.map((memberId) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: shares.get(memberId)!,
        userData: Buffer.alloc(0),
      }),
    }));
  },
  protocol: ({ topics }) => ({
    name: "roundrobin",
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
});

interface KafkaJsOptions {
  readonly bootstrapServers: string;
  readonly groupId: string;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
}

/** kafkajs, in this process. */
export async function startKafkaJs(options: KafkaJsOptions, onRecord: OnRecord): Promise<TestMember> {
  const kafka = new Kafka({ brokers: options.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: options.groupId,
    partitionAssigners: [roundRobin],
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: 200,
  });
  const values: string[] = [];
  let assignment: Assignment = {};
  consumer.on("consumer.group_join", ({ payload }) => {
    assignment = payload.memberAssignment;
  });
  const member: TestMember = {
    kind: "kafkajs",
    values,
    assigned: () =>
      Object.entries(assignment)
        .flatMap(([name, list]) => list.map((p) => `${name}-${p}`))
        .sort(),
    close: () => consumer.disconnect(),
    kill: () => Promise.reject(new Error("kafkajs lives in the process of the test")),
  };
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ message }) => {
      const value = message.value!.toString();
      values.push(value);
      onRecord(value, member);
    },
  });
  return member;
}

/** A client in a process of its own that tells in JSON lines what happens. */
class ForeignMember implements TestMember {
  readonly kind: string;
  readonly values: string[] = [];
  readonly #child: ChildProcess;
  readonly #onRecord: OnRecord;
  #assigned: readonly string[] = [];
  #rest = "";

  constructor(kind: string, child: ChildProcess, onRecord: OnRecord) {
    this.kind = kind;
    this.#child = child;
    this.#onRecord = onRecord;
    child.stdout!.on("data", (chunk) => this.#read(String(chunk)));
  }

  assigned(): readonly string[] {
    return this.#assigned;
  }

  async close(): Promise<void> {
    await this.#end(() => this.#child.stdin!.end());
  }

  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  async #end(end: () => void): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "close");
      end();
      await ended;
    }
    this.#assigned = [];
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const { record, assigned } = JSON.parse(line) as { record?: string; assigned?: string[] };
      if (assigned !== undefined) this.#assigned = assigned.sort();
      if (record === undefined) continue;
      this.values.push(record);
      this.#onRecord(record, this);
    }
  }
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const toArguments = (config: Readonly<Record<string, string>>) =>
  Object.entries(config).map(([key, value]) => `${key}=${value}`);

/** librdkafka, with its own config keys. */
export function startLibrdkafka(
  topic: string,
  config: Readonly<Record<string, string>>,
  onRecord: OnRecord,
): TestMember {
  const args = [pathOf("librdkafka_member.py"), topic, ...toArguments(config)];
  const env = { ...process.env, PYTHONPATH: external.librdkafka! };
  const child = spawn("python3", args, { stdio: ["pipe", "pipe", "inherit"], env });
  return new ForeignMember("librdkafka", child, onRecord);
}

/** The Java client, with its own config keys. */
export function startJavaClient(
  topic: string,
  config: Readonly<Record<string, string>>,
  onRecord: OnRecord,
): TestMember {
  const program = javaProgram("JavaMember", kafkaClassPath!);
  const args = ["-Xmx128m", ...SHORT_LIVED_JVM, ...program, topic, ...toArguments(config)];
  // What slf4j has to say goes to standard error.
  const child = spawn(external.java!, args, { stdio: ["pipe", "pipe", "ignore"] });
  return new ForeignMember("java", child, onRecord);
}
