import { DEFAULT_SETTINGS } from "../clients/bench-client.ts";
import type { Contestant, Effort, Measurement, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { brokerFigures, latencyOf } from "../processes/client-contestant.ts";
import { ClientProcess } from "../processes/client-process.ts";
import { createTopic } from "../processes/topics.ts";

const PARTITIONS = 6;
const RECORD_BYTES = 100;
const QUIET_MS = 1_000;
const SAMPLE_MS = 500;
const MEGABYTE = 1024 * 1024;

/** The seed's figure, and what it is on fewer cores. */
const RATES = [1_000_000, 250_000] as const;
const RATE_MS = 2_000;
/** The rate of the long run: no core is full. */
const SOAK_RATE = 250_000;

interface Load {
  readonly measurement: Measurement;
  /** Resident memory of the broker, as time went on. */
  readonly residentBytes: readonly number[];
}

/** Producer, broker and consumer, a process each: all is produced and consumed at once. */
async function load(
  broker: BrokerUnderTest,
  name: string,
  recordsPerSecond: number,
  durationMs: number,
): Promise<Load> {
  const topic = await createTopic(broker, name, PARTITIONS);
  const bootstrap = `127.0.0.1:${broker.port}`;
  const producer = await ClientProcess.start("ottla", bootstrap, DEFAULT_SETTINGS);
  const consumer = await ClientProcess.start("ottla", bootstrap, DEFAULT_SETTINGS);
  const residentBytes: number[] = [];
  const sampler = setInterval(() => residentBytes.push(broker.residentBytes() ?? Number.NaN), SAMPLE_MS);
  try {
    const { answer } = await consumer.follow({ topic, partitions: PARTITIONS, quietMs: QUIET_MS });
    const cpuBeforeMs = broker.cpuMs() ?? Number.NaN;
    const produced = await producer.ask({
      kind: "producePaced",
      topic,
      partitions: PARTITIONS,
      recordsPerSecond,
      durationMs,
      recordBytes: RECORD_BYTES,
      callsInFlight: 100,
    });
    const consumed = await answer;
    const brokerCpuMs = (broker.cpuMs() ?? Number.NaN) - cpuBeforeMs;
    if (consumed.records !== produced.records) {
      throw new Error(`${produced.records} records were produced, ${consumed.records} consumed`);
    }
    const amount = consumed.records * 1_000;
    const measurement: Measurement = {
      figure: amount / consumed.elapsedMs,
      ...latencyOf(consumed),
      perCpuSecond: amount / (produced.cpuMs + consumed.cpuMs + brokerCpuMs),
      perClientCpuSecond: amount / (produced.cpuMs + consumed.cpuMs),
      perBrokerCpuSecond: amount / brokerCpuMs,
      ...(await brokerFigures(broker)),
      brokerMegabytes: Math.max(...residentBytes) / MEGABYTE,
    };
    return { measurement, residentBytes };
  } finally {
    clearInterval(sampler);
    await Promise.all([producer.close(), consumer.close()]);
  }
}

function rateContestant(recordsPerSecond: number): Contestant {
  let round = 0;
  let broker: BrokerUnderTest | undefined;
  return {
    name: `${recordsPerSecond.toLocaleString("en")}/s wanted`,
    async measure() {
      broker ??= await BrokerUnderTest.start();
      const { measurement } = await load(broker, `at-${recordsPerSecond}-${round++}`, recordsPerSecond, RATE_MS);
      return measurement;
    },
    close: () => broker?.stop(),
  };
}

/** One long load; what the broker holds in its first, second and last third. The first is the baseline. */
function memoryContestants(durationMs: number): Contestant[] {
  let running: Promise<readonly number[]> | undefined;
  const run = async () => {
    const broker = await BrokerUnderTest.start();
    try {
      const { residentBytes } = await load(broker, "soak", SOAK_RATE, durationMs);
      return residentBytes;
    } finally {
      await broker.stop();
    }
  };
  return THIRDS.map((name, third) => ({
    name,
    async measure() {
      running ??= run();
      const samples = await running;
      const part = samples.slice((samples.length * third) / 3, (samples.length * (third + 1)) / 3);
      return { figure: Math.max(...part) / MEGABYTE };
    },
  }));
}

const THIRDS = ["first third", "second third", "last third"] as const;

function* rows({ quick, soakMinutes }: Effort): Iterable<Row> {
  const rates = quick ? RATES.slice(0, 1) : RATES;
  yield {
    name: `${RECORD_BYTES} B produced and consumed at once, acks=all, ${PARTITIONS} partitions, end to end`,
    unit: "records/s",
    baseline: `${RATES[0].toLocaleString("en")}/s wanted`,
    recordBytes: RECORD_BYTES,
    repetitions: quick ? 1 : 5,
    contestants: rates.map(rateContestant),
  };
  const seconds = soakMinutes > 0 ? soakMinutes * 60 : quick ? 10 : 20;
  yield {
    name: `highest resident memory of the broker in ${seconds} s of ${SOAK_RATE.toLocaleString("en")} records/s in and out`,
    unit: "MB",
    better: "less",
    baseline: THIRDS[0],
    repetitions: 1,
    warmUps: 0,
    contestants: memoryContestants(seconds * 1_000),
  };
}

const scenario: Scenario = {
  name: "sustained",
  description:
    "a steady load in and out at once: what is reached of a million records a second, and whether memory is flat",
  quietSeconds: { quick: 30, full: 76 },
  inQuick: false,
  rows,
};
export default scenario;
