import { FakeCluster, type Fault } from "@ottla/client/test-support";
import { ErrorCode } from "@ottla/protocol";
import { createSimulatedRuntime, type Random, type SimulatedRuntime, seededRandom } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import {
  type ArraySendError,
  Producer,
  type ProducerOptions,
  type ProducerRecord,
  type RecordMetadata,
  type RecordOutcome,
} from "./index.ts";

/** OTTLA_TEST_SEED replays one seed, OTTLA_TEST_SEEDS sets how many are run. */
const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const SEEDS = process.env.OTTLA_TEST_SEED ? 1 : Number(process.env.OTTLA_TEST_SEEDS ?? 25);

const TOPIC = "orders";
const PARTITIONS = 4;
const BROKERS = 3;
const FAULTS_END_MS = 4_000;

const RETRIABLE_ERRORS = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.CORRUPT_MESSAGE,
];

interface Sent {
  readonly partition: number;
  readonly value: string;
  outcome: RecordMetadata | Error | undefined;
}

/** How often each fault and each consequence was met, over all seeds: one that never was proves nothing. */
const hits = new Map<string, number>();

function hit(name: string, count = 1): void {
  hits.set(name, (hits.get(name) ?? 0) + count);
}

class Simulation {
  readonly runtime: SimulatedRuntime;
  readonly random: Random;
  readonly cluster: FakeCluster;
  readonly producer: Producer;
  readonly sent: Sent[] = [];
  #pending = 0;

  constructor(seed: number, options: Partial<ProducerOptions>, fatalErrors: readonly number[]) {
    this.runtime = createSimulatedRuntime(seed);
    this.random = seededRandom(seed * 7919);
    const latencyMs = () => this.random.nextInt(6);
    this.cluster = new FakeCluster({
      runtime: this.runtime,
      brokers: BROKERS,
      topics: { [TOPIC]: PARTITIONS },
      latencyMs,
    });
    this.cluster.givesLeaderHints = this.random.nextFloat() < 0.5;
    this.cluster.faultOf = ({ apiName }) => this.#fault(apiName, fatalErrors);
    for (const partition of this.cluster.topics.get(TOPIC)!) {
      if (this.random.nextFloat() < 0.3) partition.maxMessageBytes = 300;
    }
    this.producer = new Producer({
      bootstrapServers: this.cluster.bootstrapServers,
      connector: this.cluster.connector,
      runtime: this.runtime,
      requestTimeoutMs: 700,
      lingerMs: this.random.nextInt(2) * 7,
      batchSize: 100 + this.random.nextInt(1_000),
      bufferMemory: 500 + this.random.nextInt(20_000),
      maxInFlightRequestsPerConnection: 1 + this.random.nextInt(5),
      ...options,
    });
  }

  async run(): Promise<void> {
    const bursts = 20 + this.random.nextInt(40);
    for (let burst = 0; burst < bursts; burst++) {
      this.#send(1 + this.random.nextInt(12));
      this.#disturb();
      await this.runtime.advance(this.random.nextInt(150));
    }
    for (const brokerId of this.cluster.brokerIds) this.cluster.start(brokerId);
    for (let waitedMs = 0; this.#pending > 0; waitedMs += 50) {
      if (waitedMs > 200_000) throw new Error(`${this.#pending} sends never settled`);
      if (this.runtime.clock.monotonicMs() > FAULTS_END_MS) this.cluster.faultOf = () => undefined;
      await this.runtime.advance(50);
    }
    await this.runtime.advance(2_000);
    this.#noteMetrics();
    expect(this.producer.metrics()).toMatchObject({ bufferUsedBytes: 0, waitingSends: 0, requestsInFlight: 0 });
    const closed = this.producer.close();
    await this.runtime.advance(100);
    await closed;
    expect(this.runtime.pendingTimers).toBe(0);
  }

  #send(count: number): void {
    const batch: Sent[] = Array.from({ length: count }, (_, index) => ({
      partition: this.random.nextInt(PARTITIONS),
      value: String(this.sent.length + index),
      outcome: undefined,
    }));
    this.sent.push(...batch);
    this.#pending += count;
    if (this.random.nextFloat() < 0.3) this.#sendArray(batch);
    else for (const sent of batch) this.#sendOne(sent);
  }

  #sendOne(sent: Sent): void {
    this.producer.send(recordOf(sent)).then(
      (metadata) => this.#settled(sent, metadata),
      (error) => this.#settled(sent, error),
    );
  }

  #sendArray(batch: readonly Sent[]): void {
    this.producer.send(batch.map(recordOf)).then(
      (metadata) => {
        for (const [index, sent] of batch.entries()) this.#settled(sent, metadata[index]!);
      },
      (error: ArraySendError) => {
        for (const [index, sent] of batch.entries()) this.#settled(sent, settledValue(error.outcomes[index]!));
      },
    );
  }

  #settled(sent: Sent, outcome: RecordMetadata | Error): void {
    sent.outcome = outcome;
    this.#pending--;
  }

  #disturb(): void {
    if (this.random.nextFloat() < 0.1) {
      hit("leader moved");
      this.cluster.moveLeader(TOPIC, this.random.nextInt(PARTITIONS), 1 + this.random.nextInt(BROKERS));
    }
    if (this.random.nextFloat() < 0.05) {
      hit("broker stopped");
      this.cluster.stop(1 + this.random.nextInt(BROKERS));
    }
    if (this.random.nextFloat() < 0.2) for (const brokerId of this.cluster.brokerIds) this.cluster.start(brokerId);
  }

  #fault(apiName: string, fatalErrors: readonly number[]): Fault | undefined {
    if (this.random.nextFloat() > 0.15) return undefined;
    const fault = this.#randomFault(fatalErrors);
    if (apiName !== "Produce" && fault.kind === "error") return undefined;
    hit(fault.kind === "error" ? `error ${fault.errorCode}` : `${fault.kind} of ${apiName}`);
    return fault;
  }

  #randomFault(fatalErrors: readonly number[]): Fault {
    const errors = [...RETRIABLE_ERRORS, ...fatalErrors];
    const drawn = this.random.nextInt(errors.length + 4);
    if (drawn === 0) return { kind: "lostRequest" };
    if (drawn <= 2) return { kind: "lostResponse" };
    if (drawn === 3) return { kind: "silence" };
    return { kind: "error", errorCode: errors[drawn - 4]! };
  }

  #noteMetrics(): void {
    const { recordRetryTotal, batchSplitTotal, recordErrorTotal } = this.producer.metrics();
    hit("records retried", recordRetryTotal);
    hit("batches split", batchSplitTotal);
    hit("records failed", recordErrorTotal);
  }
}

function settledValue(outcome: RecordOutcome): RecordMetadata | Error {
  return outcome.status === "fulfilled" ? outcome.value : outcome.reason;
}

function recordOf({ partition, value }: Sent): ProducerRecord {
  return { topic: TOPIC, partition, value };
}

/** What was acknowledged is there, where it was said to be; nothing is there twice; the order of sends is kept. */
function checkLogs({ cluster, sent }: Simulation): void {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const written = cluster.partition(TOPIC, partition).records.map(({ value }) => Number(value));
    expect(new Set(written).size, `doubled in partition ${partition}`).toBe(written.length);
    expect(written, `reordered in partition ${partition}`).toEqual([...written].sort((a, b) => a - b));
    const there = new Set(written);
    for (const { value, outcome } of sent.filter((one) => one.partition === partition)) {
      if (outcome instanceof Error) continue;
      expect(there.has(Number(value)), `lost: ${value} of partition ${partition}`).toBe(true);
      if (outcome!.offset >= 0) expect(written[outcome!.offset]).toBe(Number(value));
    }
  }
}

function failures({ sent }: Simulation): string[] {
  return sent.flatMap(({ outcome }) => (outcome instanceof Error ? [(outcome as Error & { code: string }).code] : []));
}

const seeds = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);

describe("an idempotent producer over a cluster that fails at random", () => {
  test.each(seeds)("loses, doubles and reorders nothing, and everything arrives (seed %i)", async (seed) => {
    const simulation = new Simulation(seed, { deliveryTimeoutMs: 120_000, maxBlockMs: 120_000 }, []);
    await simulation.run();
    expect(failures(simulation)).toEqual([]);
    checkLogs(simulation);
  });

  test.each(seeds)("the same where records expire or are refused for good (seed %i)", async (seed) => {
    const fatalErrors = [ErrorCode.INVALID_TIMESTAMP, ErrorCode.INVALID_RECORD, ErrorCode.TOPIC_AUTHORIZATION_FAILED];
    const simulation = new Simulation(seed, { deliveryTimeoutMs: 1_000, maxBlockMs: 500 }, fatalErrors);
    await simulation.run();
    const allowed = new Set(["REQUEST_TIMED_OUT", "INVALID_TIMESTAMP", "INVALID_RECORD", "TOPIC_AUTHORIZATION_FAILED"]);
    expect(failures(simulation).filter((code) => !allowed.has(code))).toEqual([]);
    checkLogs(simulation);
  });

  test.runIf(SEEDS >= 20)("every fault and consequence was met", () => {
    const expected = [
      "leader moved",
      "broker stopped",
      "records retried",
      "batches split",
      "records failed",
      ...["Produce", "Metadata", "InitProducerId"].flatMap((api) => [
        `lostRequest of ${api}`,
        `lostResponse of ${api}`,
      ]),
      "silence of Produce",
      ...RETRIABLE_ERRORS.map((errorCode) => `error ${errorCode}`),
    ];
    expect(expected.filter((name) => !hits.get(name))).toEqual([]);
    console.log(Object.fromEntries([...hits].sort()));
  });
});
