import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { Kafka, logLevel } from "kafkajs";
import { external, kafkaClassPath } from "../harness/external.ts";
import { SMALL_JVM } from "../harness/java.ts";
import { javaProgram } from "../harness/java-programs.ts";
import { until } from "../harness/until.ts";

export const LOAD_PARTITIONS = 3;
/** Enough for records to be under way whenever something happens, with four clients at work. */
const PAUSE_MS = process.env.OTTLA_TEST_DEEP ? 20 : 40;
const GIVE_UP_MS = 120_000;
const RETRY_MS = 100;
const CATCH_UP_MS = 90_000;
/** A broker that cannot be heard of is not waited for long, and what it has not answered is sent again. */
const REQUEST_TIMEOUT_MS = 4_000;

/** What a client has done so far. Its topic has numbers, from 0 on, each to be there once and in the order of a partition. */
export class LoadRecord {
  readonly acknowledged = new Set<number>();
  readonly failures: string[] = [];
  /** What was read again although a commit beyond it was acknowledged, where the client tells of its commits. */
  readonly rewinds: string[] = [];
  /** The next number that will be written. */
  next = 0;
  highestRead = -1;
  readCount = 0;
  longestPauseMs = 0;
  #acknowledgedMs = performance.now();

  acked(number: number): void {
    const nowMs = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.#acknowledgedMs);
    this.#acknowledgedMs = nowMs;
    this.acknowledged.add(number);
  }

  read(number: number): void {
    this.readCount++;
    this.highestRead = Math.max(this.highestRead, number);
  }

  /** The longest time without an acknowledgement since this was asked last. */
  takeLongestPauseMs(): number {
    const longest = this.longestPauseMs;
    this.longestPauseMs = 0;
    this.#acknowledgedMs = performance.now();
    return longest;
  }
}

/** A producer and a group's consumer of one kind of client, at work until they are told to stop. The group has the topic's name. */
export interface LoadClient {
  readonly topic: string;
  readonly record: LoadRecord;
  /** Ends the writing. Resolves when everything is acknowledged, or given up. */
  stopWriting(): Promise<void>;
  stop(): Promise<void>;
}

/** Waits until a client has read what was not written yet when this was called: its producer and its consumer both go on. */
export async function goesOn({ topic, record }: LoadClient, timeoutMs = CATCH_UP_MS): Promise<void> {
  const wanted = record.next + LOAD_PARTITIONS * 2;
  await until(
    `the clients of ${topic} read what was written since`,
    () => record.highestRead >= wanted,
    timeoutMs,
    () => `next ${record.next}, acknowledged ${record.acknowledged.size}, read up to ${record.highestRead}`,
  );
}

/**
 * Sends numbers one after another; what `send` rejects with is a failure. The function that comes back ends that, and
 * resolves when all that was sent has its outcome.
 */
function startWriting(record: LoadRecord, send: (number: number) => Promise<unknown>): () => Promise<void> {
  let isStopped = false;
  const write = async () => {
    const sent: Promise<unknown>[] = [];
    while (!isStopped) {
      const number = record.next++;
      sent.push(
        send(number).then(
          () => record.acked(number),
          (error) => record.failures.push(`${number}: ${error}`),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await Promise.all(sent);
  };
  const writing = write();
  return () => {
    isStopped = true;
    return writing;
  };
}

export function ourLoad(bootstrapServers: string): LoadClient {
  const topic = "ours";
  const record = new LoadRecord();
  const producer = new Producer({
    bootstrapServers,
    acks: "all",
    idempotence: true,
    deliveryTimeoutMs: GIVE_UP_MS,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  const consumer = new Consumer({
    bootstrapServers,
    groupId: topic,
    topics: topic,
    autoOffsetReset: "earliest",
    autoCommitIntervalMs: 200,
  });
  const endWriting = startWriting(record, (number) =>
    producer.send({ topic, partition: number % LOAD_PARTITIONS, value: String(number) }),
  );
  const committed = new Map<number, number>();
  consumer.on("commit", ({ offsets }) => {
    for (const { partition, offset } of offsets) committed.set(partition, offset);
  });
  const reading = (async () => {
    for await (const { partition, offset, value } of consumer) {
      if (offset < (committed.get(partition) ?? 0)) record.rewinds.push(`${partition}@${offset}`);
      record.read(Number(value));
    }
  })();
  const stopWriting = async () => {
    await endWriting();
    await producer.close();
  };
  return {
    topic,
    record,
    stopWriting,
    async stop() {
      await stopWriting();
      await consumer.close();
      await reading;
    },
  };
}

export async function kafkajsLoad(bootstrapServers: string): Promise<LoadClient> {
  const topic = "kafkajs";
  const record = new LoadRecord();
  const kafka = new Kafka({
    clientId: "kafkajs-load",
    brokers: bootstrapServers.split(","),
    logLevel: logLevel.NOTHING,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: 50, maxRetryTime: 500 },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const consumer = kafka.consumer({
    groupId: topic,
    sessionTimeout: 6_000,
    heartbeatInterval: 300,
    rebalanceTimeout: 5_000,
  });
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ message }) => record.read(Number(message.value)),
  });
  // One after another: it does not keep the order of sends that are retried beside each other.
  let last: Promise<unknown> = Promise.resolve();
  const endWriting = startWriting(record, (number) => {
    const messages = [{ partition: number % LOAD_PARTITIONS, value: String(number) }];
    const sent = last.then(() => untilSent(() => producer.send({ topic, acks: -1, messages })));
    last = sent.catch(() => {});
    return sent;
  });
  const stopWriting = async () => {
    await endWriting();
    await producer.disconnect();
  };
  return {
    topic,
    record,
    stopWriting,
    async stop() {
      await stopWriting();
      await consumer.disconnect();
    },
  };
}

/**
 * kafkajs gives up after five tries, which is less than a broker's session, and with more of them it clings to one broker.
 * Its sequence numbers move on by what was acknowledged only: what is sent again counts as the same.
 */
async function untilSent(send: () => Promise<unknown>): Promise<void> {
  const endsAtMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      await send();
      return;
    } catch (error) {
      if (performance.now() > endsAtMs) throw error;
      // Some of its errors come at once: without a pause nothing else would have its turn.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** librdkafka. It does not say what is acknowledged, but what is not: all else is once it has ended well. */
export function kcatLoad(bootstrapServers: string): LoadClient {
  const topic = "kcat";
  const record = new LoadRecord();
  // It would end when it loses all brokers for a moment (-E).
  const common = ["-E", "-b", bootstrapServers, "-X", "log_level=0", "-X", `socket.timeout.ms=${REQUEST_TIMEOUT_MS}`];
  const idempotent = ["-X", "enable.idempotence=true", "-X", `message.timeout.ms=${GIVE_UP_MS}`];
  // By their keys all numbers of one remainder are in one partition.
  const producer = spawn(external.kcat!, ["-P", "-t", topic, "-K", ":", ...common, ...idempotent], { stdio: "pipe" });
  const group = ["-G", topic, "-u", "-q", "-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=200"];
  const consumer = spawn(external.kcat!, [...common, ...group, topic], { stdio: "pipe" });
  onLines(consumer, (line) => record.read(Number(line)));
  let complaints = "";
  producer.stderr?.on("data", (chunk) => {
    complaints += chunk;
  });
  const timer = setInterval(() => {
    const number = record.next++;
    producer.stdin?.write(`${number % LOAD_PARTITIONS}:${number}\n`);
  }, PAUSE_MS);
  let ending: Promise<void> | undefined;
  const end = async () => {
    clearInterval(timer);
    const ended = once(producer, "exit");
    producer.stdin?.end();
    const [code] = await ended;
    if (code !== 0 || complaints.includes("Delivery failed"))
      record.failures.push(`kcat ended with ${code}: ${complaints}`);
    else for (let number = 0; number < record.next; number++) record.acked(number);
  };
  const stopWriting = () => {
    ending ??= end();
    return ending;
  };
  return {
    topic,
    record,
    stopWriting,
    async stop() {
      await stopWriting();
      await ended(consumer, "SIGTERM");
    },
  };
}

export function javaLoad(bootstrapServers: string): LoadClient {
  const topic = "java";
  const record = new LoadRecord();
  const args = [bootstrapServers, topic, String(LOAD_PARTITIONS), String(PAUSE_MS)];
  const child = spawn(external.java!, [...SMALL_JVM, ...javaProgram("JavaLoad", kafkaClassPath!), ...args], {
    stdio: "pipe",
  });
  let isWritten = false;
  child.stderr?.on("data", () => {}); // it has no logger, and says so
  onLines(child, (line) => {
    const [what, number] = line.split(" ");
    if (what === "read") record.read(Number(number));
    else if (what === "written") isWritten = true;
    else {
      record.next = Math.max(record.next, Number(number) + 1);
      if (what === "acked") record.acked(Number(number));
      else record.failures.push(line);
    }
  });
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const stopWriting = async () => {
    if (isWritten || isOver()) return;
    child.stdin?.write("w");
    await until("the Java producer has ended", () => isWritten || isOver(), GIVE_UP_MS);
  };
  return {
    topic,
    record,
    stopWriting,
    async stop() {
      await stopWriting();
      child.stdin?.end();
      await ended(child, null);
    },
  };
}

function onLines(child: ChildProcess, take: (line: string) => void): void {
  createInterface({ input: child.stdout! }).on("line", take);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals | null): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  if (signal !== null) child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exit;
  clearTimeout(timer);
}
