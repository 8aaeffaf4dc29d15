import type { Admin, NewTopic } from "@ottla/admin";
import {
  type Broker,
  BrokerConfig,
  bootstrapServersOf,
  type ConfigValues,
  settingsFromObject,
  startBroker,
  webSocketUrlOf,
} from "@ottla/broker";
import { checkStartOptions, OPTION_RULES } from "@ottla/broker/internal";
import { describe, invalidArgument } from "@ottla/client/internal";
import type { Producer, ProducerRecord, RecordMetadata } from "@ottla/producer";
import { createMemoryDisk, createSystemRuntime, type Logger, type Runtime, systemClock } from "@ottla/runtime";
import { FaultInjector, type Faults, type PauseOptions } from "./faults.ts";
import { ProcessLife } from "./process-life.ts";
import { READ_TIMEOUT_MS, type ReadTopicOptions, readTopic } from "./read-topic.ts";
import { TestClock } from "./test-clock.ts";
import type { TestRecord } from "./test-record.ts";

/** What a topic is created with. */
export type TopicOptions = Omit<NewTopic, "name">;

/** A record to write: its value, or more. */
export type RecordInput = string | Omit<ProducerRecord, "topic">;

/** What a test's broker starts with. */
export interface TestBrokerOptions {
  /** Topics to create: names (one partition), or names with options. */
  readonly topics?: readonly (string | NewTopic)[];
  /** Kafka's config keys, such as `{ "auto.create.topics.enable": false }`. */
  readonly config?: ConfigValues;
  /** Default: a free one. */
  readonly port?: number;
  /** Where the broker's log lines go. Default: nowhere. */
  readonly logger?: Logger;
}

/** A broker in this process whose records are in memory, with what a test needs to set it up and to look into it. */
export interface TestBroker extends AsyncDisposable {
  /** For Kafka clients over TCP: `localhost:41234`. */
  readonly bootstrapServers: string;
  /** For Ottla's SDKs in browsers: `ws://localhost:41234/kafka`. */
  readonly webSocketUrl: string;
  /** The port that it listens on; the same after a restart. */
  readonly port: number;
  /** @throws KafkaError `TOPIC_ALREADY_EXISTS`, `INVALID_PARTITIONS`, `INVALID_CONFIG` and others of Kafka's */
  createTopic(name: string, options?: TopicOptions): Promise<void>;
  /** Writes records, and says where each went. A topic that does not exist is created, unless a config forbids it. */
  produce(topic: string, records: RecordInput | readonly RecordInput[]): Promise<RecordMetadata[]>;
  /**
   * All records of a topic in the order of partitions and offsets: those that are there now (none if there is no such
   * topic), or with `count` as soon as there are so many.
   *
   * ```ts
   * expect(await broker.records("orders", { count: 1 })).toMatchObject([{ key: "k1", value: "v1" }]);
   * ```
   * @throws Error that shows what there was when `count` records did not come within `timeoutMs`
   */
  records<K = string | null, V = string | null>(
    topic: string,
    options?: ReadTopicOptions<K, V>,
  ): Promise<TestRecord<K, V>[]>;
  /** Makes requests slow, lost or failed. */
  readonly faults: Faults;
  /** The broker's clock, which can be put forward: `await broker.clock.advance(60_000)`. */
  readonly clock: TestClock;
  /**
   * Holds a partition back: producers wait, and so do consumers for records that they have not got yet. Ends with the
   * function that is returned. {@link records} reads as a consumer does. The topic may be one that is still to come.
   * @throws RangeError for a partition that the topic does not have
   */
  pausePartition(topic: string, partition: number, options?: PauseOptions): () => void;
  /**
   * Ends the broker as `kill -9` does: clients lose their connections, nothing is handed over. What it had written stays
   * for {@link restart}.
   */
  kill(): Promise<void>;
  /** Starts it again with its records, on the same port; stops it before, as SIGTERM does, where it runs. */
  restart(): Promise<void>;
  /** For everything else: configs, groups, offsets. Closed with the broker. */
  admin(): Promise<Admin>;
  /** Stops the broker. Clients that are still open lose their connections. */
  close(): Promise<void>;
}

/**
 * Starts a Kafka-compatible broker in this process for a test: on a free port, in memory, gone when it is closed. Any
 * number of them may run.
 *
 * ```ts
 * await using broker = await startTestBroker({ topics: ["orders"] });
 * const kafka = new Kafka({ brokers: [broker.bootstrapServers] }); // any Kafka client
 * ```
 * @throws ConfigError when an option or a config value is wrong; ListenError when `port` is in use
 */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  checkStartOptions("startTestBroker", options, RULES);
  const testBroker = new InMemoryTestBroker(options);
  try {
    await testBroker.start();
    await testBroker.createTopics(options.topics ?? []);
  } catch (error) {
    await testBroker.close();
    throw error;
  }
  return testBroker;
}

const RULES = {
  topics: OPTION_RULES.list,
  config: OPTION_RULES.object,
  port: OPTION_RULES.port,
  logger: OPTION_RULES.logger,
};

/** The SDKs load when they are first needed: a test that brings its own client does without them. */
class InMemoryTestBroker implements TestBroker {
  readonly clock: TestClock;
  readonly faults: FaultInjector;
  readonly #options: TestBrokerOptions;
  readonly #runtime: Runtime;
  readonly #disk = createMemoryDisk();
  #port: number;
  #life: ProcessLife | null = null;
  #broker: Broker | null = null;
  #admin: Promise<Admin> | undefined;
  #producer: Promise<Producer> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TestBrokerOptions) {
    const system = createSystemRuntime(options.logger === undefined ? {} : { logger: options.logger });
    this.#options = options;
    this.#port = options.port ?? 0;
    this.clock = new TestClock(system);
    this.#runtime = { ...system, clock: this.clock, timers: this.clock.timers };
    // Faults are the test's: they take the machine's time, whatever the broker's clock says.
    this.faults = new FaultInjector(system.timers, (id) => this.#running.services.image.topicNamesById.get(id));
  }

  async start(): Promise<void> {
    const life = new ProcessLife([this.#disk], undefined, this.#runtime);
    this.#life = life;
    this.#broker = await startBroker({
      config: BrokerConfig.fromSettings([
        { key: "listeners", value: `PLAINTEXT://localhost:${this.#port}`, origin: "port" },
        ...settingsFromObject(this.#options.config ?? {}),
      ]),
      directories: [{ disk: life.disk, path: "/", name: "memory" }],
      runtime: life.runtime,
      connector: life.connector,
      startServer: (server) => life.startServer({ ...server, handler: this.faults.around(server.handler) }),
    });
    this.#port = this.#broker.listeners[0]!.port;
  }

  get port(): number {
    return this.#port;
  }

  get bootstrapServers(): string {
    return bootstrapServersOf(this.#running.listeners[0]!);
  }

  get webSocketUrl(): string {
    return webSocketUrlOf(this.#running.listeners[0]!);
  }

  /** The one that runs, or ran last. */
  get #running(): Broker {
    if (this.#broker === null) throw new Error("the broker has not been started");
    return this.#broker;
  }

  /** A client would look for the broker until its time is over. @throws Error once the broker is closed */
  #checkOpen(): void {
    if (this.#closing !== undefined) throw new Error("the test broker is closed; start another one");
  }

  pausePartition(topic: string, partition: number, options?: PauseOptions): () => void {
    const resume = this.faults.hold(topic, partition, options);
    const known = this.#running.services.image.topicsByName.get(topic);
    if (partition >= 0 && (known === undefined || partition < known.partitions.length)) return resume;
    resume();
    throw new RangeError(`${topic} has no partition ${partition} to hold back.`);
  }

  async kill(): Promise<void> {
    const life = this.#life;
    this.#life = null;
    await life?.kill();
  }

  async restart(): Promise<void> {
    this.#checkOpen();
    if (this.#life !== null) await this.#running.shutdown();
    await this.start();
  }

  async admin(): Promise<Admin> {
    this.#checkOpen();
    const { bootstrapServers } = this;
    this.#admin ??= import("@ottla/admin").then(({ Admin }) => new Admin({ bootstrapServers }));
    return this.#admin;
  }

  async createTopic(name: string, options: TopicOptions = {}): Promise<void> {
    await this.createTopics([{ name, ...options }]);
  }

  async createTopics(topics: readonly (string | NewTopic)[]): Promise<void> {
    if (topics.length === 0) return;
    const admin = await this.admin();
    await admin.createTopics(topics.map((topic) => (typeof topic === "string" ? { name: topic } : topic)));
  }

  async produce(topic: string, records: RecordInput | readonly RecordInput[]): Promise<RecordMetadata[]> {
    this.#checkOpen();
    const { bootstrapServers } = this;
    this.#producer ??= import("@ottla/producer").then(({ Producer }) => new Producer({ bootstrapServers }));
    const producer = await this.#producer;
    const inputs = isMany(records) ? records : [records];
    const wrong = inputs.find((input) => typeof input !== "string" && (typeof input !== "object" || input === null));
    if (wrong !== undefined)
      throw invalidArgument(`produce takes texts and records, and was given ${describe(wrong)}.`);
    return await producer.send(
      inputs.map((input) => {
        const record = typeof input === "string" ? { value: input } : input;
        // What is produced after `clock.advance` is new to the broker, not as old as the clock was put forward.
        return { ...record, topic, timestampMs: record.timestampMs ?? this.clock.nowMs() };
      }),
    );
  }

  async records<K = string | null, V = string | null>(
    topic: string,
    options: ReadTopicOptions<K, V> = {},
  ): Promise<TestRecord<K, V>[]> {
    this.#checkOpen();
    const { count = 0, timeoutMs = READ_TIMEOUT_MS } = options;
    if (!Number.isSafeInteger(count))
      throw invalidArgument(`records: count is ${describe(count)}; it must be a number.`);
    if (options.count === undefined && !(await this.#hasTopic(topic, timeoutMs))) return [];
    const { Consumer } = await import("@ottla/consumer");
    const { count: _count, timeoutMs: _timeoutMs, ...reading } = options;
    const { bootstrapServers } = this;
    await using consumer = new Consumer<K, V>({ bootstrapServers, allowAutoCreateTopics: false, ...reading });
    return await readTopic(consumer, topic, options, systemClock);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #hasTopic(topic: string, timeoutMs: number): Promise<boolean> {
    const admin = await this.admin();
    const topics = await admin.listTopics({ includeInternal: true, timeoutMs });
    return topics.some(({ name }) => name === topic);
  }

  async #close(): Promise<void> {
    await Promise.all([this.#admin, this.#producer].map(async (client) => (await client)?.close()));
    if (this.#life !== null) await this.#broker?.shutdown();
  }
}

function isMany(records: RecordInput | readonly RecordInput[]): records is readonly RecordInput[] {
  return Array.isArray(records);
}
