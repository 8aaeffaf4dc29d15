import { Admin } from "@ottla/admin";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { apiVersionsApi, concatBytes, encodeRequest, encodeResponse, heartbeatApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { BrokerConnection, createDefaultConnector, parseAddress } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { INSPECTED, memoryAfterGc } from "../harness/inspected-memory.ts";
import { TCP, WEB_SOCKET } from "./carriers.ts";
import { corpusFor, type Seed } from "./corpus.ts";
import { faultIn, fuzz } from "./fuzzer.ts";

/** Mutations of each request on each carrier: so many, or at least a few of them where half a minute has no more in it. */
const ROUNDS = Number(process.env.OTTLA_TEST_RUNS ?? 60);
const BOUNDED = process.env.OTTLA_TEST_RUNS === undefined ? { forMs: 30_000, roundsMin: 10 } : {};
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 20_261);
const WARM_UP_ROUNDS = 2;
const MEMORY_GROWTH_MAX_BYTES = 64 * 1_048_576;
const HEARTBEAT = { groupId: "g", generationId: 1, memberId: "m" };
const TIMEOUT_MS = 60_000 + ROUNDS * 5_000;
const WITNESS_TOPIC = "witness";

describe(`mutated requests of every API and version (seed ${SEED}, up to ${ROUNDS} of each)`, () => {
  let broker: BrokerProcess;
  let corpus: Seed[];
  let witness: Witness;

  beforeAll(async () => {
    broker = await BrokerProcess.start({ env: INSPECTED });
    const { bootstrapServers, port } = broker;
    await using admin = new Admin({ bootstrapServers });
    await admin.createTopics([
      { name: "fuzzed", partitions: 3, configs: { "compression.type": "gzip" } },
      { name: WITNESS_TOPIC, partitions: 1 },
    ]);
    const [described] = await admin.describeTopics(["fuzzed"]);
    witness = await Witness.start(bootstrapServers);
    corpus = corpusFor(witness.connection.apiVersions.apiKeys, { topic: "fuzzed", topicId: described!.topicId! });
    // Caches, compiled code and lazily loaded parts are there before memory is measured.
    for (const carrier of [TCP, WEB_SOCKET]) {
      await fuzz({ port, carrier, corpus, rounds: WARM_UP_ROUNDS, seed: SEED + 1 });
    }
  }, 120_000);
  afterAll(async () => {
    await witness?.stop();
    await broker?.stop();
  });

  it("get Kafka's error or end their connection; nobody else notices; memory stays", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const before = await memoryAfterGc(broker);
    const from = broker.output.length;
    const linesSince = () => broker.output.slice(from).split("\n");
    let [closed, pending] = [0, 0];
    for (const carrier of [TCP, WEB_SOCKET]) {
      const result = await fuzz({ port: broker.port, carrier, corpus, rounds: ROUNDS, ...BOUNDED, seed: SEED });
      expect(result.faults).toEqual([]);
      expect(result.sent).toBeGreaterThanOrEqual(corpus.length * (BOUNDED.roundsMin ?? ROUNDS));
      console.info(`${result.sent} mutants of ${corpus.length} requests were sent`);
      expect(result.answered).toBeGreaterThan(result.sent / 10);
      expect(result.closed).toBeGreaterThan(result.sent / 10);
      closed += result.closed;
      pending += result.pending;
    }
    await witness.check();
    // One line for each connection that the broker has closed (also of those not waited for), no word of surprise.
    const told = () => linesSince().filter((line) => line.includes("Closing a connection")).length;
    await expect.poll(told, { timeout: 10_000 }).toBeGreaterThanOrEqual(closed);
    expect(told()).toBeLessThanOrEqual(closed + pending);
    expect(linesSince().filter((line) => /"level":[56]0|^\s+at /.test(line))).toEqual([]);
    await deleteTopics(broker.bootstrapServers);
    // The logs of deleted topics go after the answer.
    const growth = async () => (await memoryAfterGc(broker)).live - before.live;
    await expect.poll(growth, { timeout: 60_000, interval: 1_000 }).toBeLessThan(MEMORY_GROWTH_MAX_BYTES);
  });
});

describe("the judge of answers", () => {
  const requestHeader = { correlationId: 7, clientId: "fuzzer" };
  const request = concatBytes(encodeRequest(heartbeatApi, 4, requestHeader, HEARTBEAT)).subarray(4);
  const answer = (errorCode: number, correlationId = 7) =>
    concatBytes(encodeResponse(heartbeatApi, 4, correlationId, { throttleTimeMs: 0, errorCode })).subarray(4);

  it("lets Kafka's errors pass, and nothing else", () => {
    expect(faultIn(answer(25), request)).toBe(null);
    expect(faultIn(answer(-1), request)).toBe("UNKNOWN_SERVER_ERROR");
    expect(faultIn(answer(25, 8), request)).toMatch("something else");
    expect(faultIn(answer(25).subarray(0, 8), request)).toMatch("cannot be read");
  });
});

/** What a mutant has asked for rightly is no leak: some ask for ten thousand partitions. */
async function deleteTopics(bootstrapServers: string): Promise<void> {
  await using admin = new Admin({ bootstrapServers });
  const topics = await admin.listTopics();
  const names = topics.map(({ name }) => name).filter((name) => name !== WITNESS_TOPIC);
  await admin.deleteTopics(names);
}

/** Somebody who goes on working beside it: on one connection that must last, and with a producer and a consumer. */
class Witness {
  readonly connection: BrokerConnection;
  readonly #producer: Producer;
  readonly #consumer: Consumer;
  readonly #written: string[] = [];
  readonly #read: string[] = [];
  readonly #ended: Promise<unknown>;
  #isStopping = false;

  private constructor(connection: BrokerConnection, bootstrapServers: string) {
    this.connection = connection;
    this.#producer = new Producer({ bootstrapServers });
    this.#consumer = new Consumer({ bootstrapServers, autoOffsetReset: "earliest" });
    this.#consumer.assign([{ topic: WITNESS_TOPIC, partition: 0 }]);
    this.#ended = Promise.all([this.#write(), this.#readAll()]);
  }

  static async start(bootstrapServers: string): Promise<Witness> {
    const runtime = createSystemRuntime();
    const connector = createDefaultConnector(runtime);
    const address = parseAddress(bootstrapServers);
    const connection = await BrokerConnection.open({ address, connector, runtime, clientId: "witness" });
    return new Witness(connection, bootstrapServers);
  }

  async check(): Promise<void> {
    expect(this.connection.isOpen).toBe(true);
    await expect.poll(() => this.#read.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(this.#written.length);
    expect(this.#read.slice(0, this.#written.length)).toEqual(this.#written);
    expect(this.#written.length).toBeGreaterThan(10);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#consumer.close();
    await this.#ended;
    await this.#producer.close();
    await this.connection.close();
  }

  async #write(): Promise<void> {
    for (let i = 0; !this.#isStopping; i++) {
      await this.#producer.send({ topic: WITNESS_TOPIC, value: `${i}` });
      this.#written.push(`${i}`);
      // One that is idle for ten minutes is closed, with good reason.
      await this.connection.request(apiVersionsApi, {});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #readAll(): Promise<void> {
    for await (const { value } of this.#consumer) this.#read.push(value!);
  }
}
