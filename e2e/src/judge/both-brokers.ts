import { isDeepStrictEqual } from "node:util";
import { type ConfigValues, startBroker } from "@ottla/broker-app";
import {
  type ApiDefinition,
  createTopicsApi,
  decodeResponse,
  encodeRecordBatch,
  encodeRequest,
  findCoordinatorApi,
  initProducerIdApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
  type RecordBatchInput,
  type RequestInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { expect } from "vitest";
import { type RawConnection, TCP } from "../fuzz/carriers.ts";
import { KafkaProcess } from "../harness/kafka-process.ts";
import { until } from "../harness/until.ts";

const EVENTUALLY_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
const CLIENT_ID = "judge";

/** What a broker does with a request: its answer, with what must differ masked; or the end of the connection. */
export type Verdict = unknown;
export const CLOSED = "the connection is closed";

/** One of the two brokers, on a connection of its own. */
export class Side {
  readonly name: string;
  readonly port: number;
  readonly clusterId: string;
  readonly #names = new Map<string, string>();
  readonly #clientId: string;
  #connection: RawConnection | null = null;

  constructor(name: string, port: number, clusterId: string, clientId = CLIENT_ID) {
    this.name = name;
    this.#clientId = clientId;
    this.port = port;
    this.clusterId = clusterId;
  }

  /** The id that a topic has here. */
  topicId(name: string): string {
    const found = [...this.#names].findLast(([, known]) => known === name);
    if (found === undefined) throw new Error(`${this.name} has not told the id of ${name}`);
    return found[0];
  }

  /** Sends a frame; the frame that answers it, or null where the broker closes the connection. */
  async exchange(chunks: readonly Uint8Array[]): Promise<Uint8Array | null> {
    const connection = await this.#open();
    const before = connection.frames.length;
    connection.send(chunks);
    const deadlineMs = performance.now() + ANSWER_TIMEOUT_MS;
    while (connection.frames.length === before && !connection.isClosed) {
      if (performance.now() > deadlineMs) {
        this.close();
        throw new Error(`${this.name} does not answer`);
      }
      await connection.changed(50);
    }
    return connection.frames[before] ?? null;
  }

  async send<Api extends ApiDefinition>(api: Api, version: number, body: RequestInput<Api>) {
    const frame = await this.exchange(
      encodeRequest(api, version, { correlationId: 1, clientId: this.#clientId }, body),
    );
    return frame === null ? CLOSED : decodeResponse(api, version, frame);
  }

  /** The same without what is this broker's own: ids, its port. */
  masked(value: unknown): unknown {
    this.#learnNames(value);
    return this.#mask(value);
  }

  close(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  async #open(): Promise<RawConnection> {
    if (this.#connection === null || this.#connection.isClosed) this.#connection = await TCP.open(this.port);
    return this.#connection;
  }

  #learnNames(value: unknown): void {
    if (value === null || typeof value !== "object" || value instanceof Uint8Array) return;
    const { name, topicId } = value as { readonly name?: unknown; readonly topicId?: unknown };
    if (typeof name === "string" && name !== "" && typeof topicId === "string" && topicId !== ZERO_UUID) {
      this.#names.set(topicId, name);
    }
    for (const member of Object.values(value)) this.#learnNames(member);
  }

  #mask(value: unknown, key = ""): unknown {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
    if (Array.isArray(value)) return value.map((element) => this.#mask(element));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#mask(member, name)]));
    }
    if (key === "port") return value === this.port ? "its port" : value;
    if (key === "host") return value === "127.0.0.1" ? "localhost" : value;
    if (typeof value !== "string") return value;
    if (value === this.clusterId) return "its cluster id";
    const topic = this.#names.get(value);
    return topic === undefined ? value : `the id of ${topic}`;
  }
}

/** How two answers are compared. */
export interface Comparison {
  /** Members, wherever they stand, that need not be the same. */
  readonly ignoring?: readonly string[];
  /** Texts that only ours may have. */
  readonly whereKafkaIsSilent?: readonly string[];
  /** Whether the answers may become the same a little later. */
  readonly eventually?: boolean;
  /** Kafka answers in the order of a hash map. */
  readonly inAnyOrder?: boolean;
  /** What is compared of an answer; all of it by default. */
  readonly only?: (answer: never) => unknown;
}

type BodyOf<Api extends ApiDefinition> = RequestInput<Api> | ((side: Side) => RequestInput<Api>);

/** Our broker and Apache Kafka, set up alike: the same requests go to both. */
export class BothBrokers {
  readonly ours: Side;
  readonly kafka: Side;
  readonly #stop: () => Promise<unknown>;

  private constructor(ours: Side, kafka: Side, stop: () => Promise<unknown>) {
    this.ours = ours;
    this.kafka = kafka;
    this.#stop = stop;
  }

  static async start(config: ConfigValues): Promise<BothBrokers> {
    const texts = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
    const kafka = await KafkaProcess.start(texts);
    const ours = await startBroker({ port: 0, memory: true, config: { "node.id": 1, ...config } });
    const clusterId = await clusterIdOf(kafka.port);
    const both = new BothBrokers(
      new Side("our broker", ours.port, ours.clusterId),
      new Side("Apache Kafka", kafka.port, clusterId),
      () => Promise.all([ours.close(), kafka.stop()]),
    );
    await both.#untilReady();
    return both;
  }

  /** The same brokers, as another client on connections of its own; stopping it leaves the brokers alone. */
  as(clientId: string): BothBrokers {
    const [ours, kafka] = this.sides.map(({ name, port, clusterId }) => new Side(name, port, clusterId, clientId));
    return new BothBrokers(ours!, kafka!, async () => {});
  }

  get sides(): readonly [Side, Side] {
    return [this.ours, this.kafka];
  }

  /** Sends a request to both, and expects the same answer; that is Apache Kafka's. */
  async same<Api extends ApiDefinition>(
    api: Api,
    version: number,
    body: BodyOf<Api>,
    comparison: Comparison = {},
  ): Promise<Verdict> {
    let [ours, kafka] = await this.#compare(api, version, body, comparison);
    const deadlineMs = performance.now() + (comparison.eventually ? EVENTUALLY_MS : 0);
    while (!isDeepStrictEqual(ours, kafka) && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      [ours, kafka] = await this.#compare(api, version, body, comparison);
    }
    const what = `${api.name} v${version} ${inspectable(typeof body === "function" ? body(this.kafka) : body)}`;
    expect.soft(ours, what).toEqual(kafka);
    return kafka;
  }

  async #compare<Api extends ApiDefinition>(
    api: Api,
    version: number,
    body: BodyOf<Api>,
    comparison: Comparison,
  ): Promise<[Verdict, Verdict]> {
    const [ours, kafka] = await this.ask(api, version, body);
    const silent = silenced(ours, kafka, new Set(comparison.whereKafkaIsSilent));
    return [compared(silent, comparison), compared(kafka, comparison)];
  }

  /** Sends a request to both: what ours and what Apache Kafka answers. */
  async ask<Api extends ApiDefinition>(api: Api, version: number, body: BodyOf<Api>): Promise<[Verdict, Verdict]> {
    const [ours, kafka] = await Promise.all(
      this.sides.map(async (side) =>
        side.masked(await side.send(api, version, typeof body === "function" ? body(side) : body)),
      ),
    );
    return [ours, kafka];
  }

  /** Creates a topic on both, and knows its ids from then on. Records of 1970 stay there: retention comes at no fixed time. */
  async createTopic(name: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries({ "retention.ms": "-1", ...configs }).map(([key, value]) => ({ name: key, value })),
    };
    await this.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 10_000 });
    await this.#untilLed(name, partitions);
  }

  /** Appends batches to a partition of both. */
  async produce(topic: string, index: number, ...batches: RecordBatchInput[]): Promise<void> {
    for (const batch of batches) {
      const records = encodeRecordBatch(batch);
      const topicData = [{ name: topic, partitionData: [{ index, records }] }];
      await this.same(produceApi, 9, { acks: -1, timeoutMs: 10_000, topicData });
    }
  }

  async stop(): Promise<void> {
    for (const side of this.sides) side.close();
    await this.#stop();
  }

  /** Apache Kafka makes the topics of its coordinators, and gets producer ids, when somebody first asks. */
  async #untilReady(): Promise<void> {
    await until("both have coordinators and producer ids", async () => {
      const keys = { coordinatorKeys: ["a-group"] };
      const answers = [
        await this.ask(findCoordinatorApi, 4, { keyType: 0, ...keys }),
        await this.ask(findCoordinatorApi, 4, { keyType: 1, ...keys }),
        await this.ask(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 1000 }),
      ];
      return !/"errorCode":[^0]/.test(JSON.stringify(answers));
    });
  }

  /** Apache Kafka answers before its partitions have their leaders. */
  async #untilLed(name: string, partitions: number): Promise<void> {
    await until(`${name} has its leaders`, async () => {
      const answers = await this.ask(metadataApi, 12, {
        topics: [{ name, topicId: ZERO_UUID }],
        allowAutoTopicCreation: false,
      });
      const known = answers.every((answer) => {
        const [topic] = (answer as { topics: { partitions: { leaderId: number }[] }[] }).topics;
        return topic?.partitions.filter(({ leaderId }) => leaderId === 1).length === partitions;
      });
      return known && (await this.#answers(name, partitions));
    });
  }

  async #answers(name: string, partitions: number): Promise<boolean> {
    const queries = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const topics = [{ name, partitions: queries }];
    const answers = await this.ask(listOffsetsApi, 5, { replicaId: -1, topics });
    return !/"errorCode":[^0]/.test(JSON.stringify(answers));
  }
}

async function clusterIdOf(port: number): Promise<string> {
  const side = new Side("Apache Kafka", port, "");
  const answer = await side.send(metadataApi, 5, { topics: [] });
  side.close();
  if (answer === CLOSED) throw new Error("Apache Kafka closes the connection");
  return answer.clusterId ?? "";
}

/** Ours without the texts that Apache Kafka leaves out. */
function silenced(ours: unknown, kafka: unknown, names: ReadonlySet<string>): unknown {
  if (names.size === 0 || ours === null || typeof ours !== "object") return ours;
  if (Array.isArray(ours)) {
    return ours.map((element, index) => silenced(element, Array.isArray(kafka) ? kafka[index] : undefined, names));
  }
  const theirs = (kafka ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(ours).map(([name, member]) => [
      name,
      names.has(name) && (theirs[name] ?? "") === "" ? theirs[name] : silenced(member, theirs[name], names),
    ]),
  );
}

function compared(answer: unknown, { ignoring = [], inAnyOrder = false, only }: Comparison): unknown {
  const part = only === undefined || answer === CLOSED ? answer : only(answer as never);
  return stripped(part, new Set(ignoring), inAnyOrder);
}

function stripped(value: unknown, ignoring: ReadonlySet<string>, inAnyOrder: boolean): unknown {
  if (Array.isArray(value)) {
    const elements = value.map((element) => stripped(element, ignoring, inAnyOrder));
    return inAnyOrder ? elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : elements;
  }
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([name]) => !ignoring.has(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, stripped(member, ignoring, inAnyOrder)]));
}

function inspectable(body: unknown): string {
  return JSON.stringify(body, (_, value) => (value instanceof Uint8Array ? `${value.length} bytes` : value)).slice(
    0,
    300,
  );
}
