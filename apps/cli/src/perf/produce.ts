import { interruptSignal } from "../interrupt.ts";
import { Latencies } from "../latencies.ts";
import { type Progress, startProgress } from "../progress.ts";
import { requireBroker } from "../with-admin.ts";
import { MEBIBYTE, payloadOf, producerOptions, type WriteOptions } from "./options.ts";

const REPORT_INTERVAL_MS = 5_000;
const PAYLOADS = 16;
/** A progress bar is told this often: it must not show in what is measured. */
const PROGRESS_EVERY = 1_000;

/** So many sends wait at a time; more would be measured waiting for each other. */
const IN_FLIGHT_MAX = 20_000;

/** Writes records, and prints a line every five seconds and one at the end, in the words of Kafka's tool. */
export async function perfProduce(
  topic: string,
  options: WriteOptions & { readonly throughput: number },
): Promise<void> {
  const signal = interruptSignal();
  await requireBroker(options, signal);
  const { Producer } = await import("@ottla/producer");
  await using producer = new Producer(await producerOptions(options));
  const run = new ProduceRun(options.recordSize);
  const payloads = Array.from({ length: PAYLOADS }, (_, index) => payloadOf(options.recordSize, index + 1));
  const progress = startProgress({ isShown: true, total: options.numRecords, unit: "records" });
  try {
    for (let sent = 0; sent < options.numRecords && !signal.aborted; sent++) {
      const sending = producer.send({ topic, value: payloads[sent % PAYLOADS]! });
      run.watch(sending);
      // Where the first cannot be written, nobody waits for thousands of others.
      if (sent === 0) await sending;
      await run.pace(sent + 1, options.throughput);
      if (sent % PROGRESS_EVERY === 0) progress.update(sent);
      if (!options.json) run.reportNowAndThen(progress);
    }
    await run.finish();
  } finally {
    progress.stop();
  }
  if (options.json) process.stdout.write(`${JSON.stringify(run.result())}\n`);
  else process.stdout.write(run.summary());
}

class ProduceRun {
  readonly #recordSize: number;
  readonly #all = new Latencies();
  readonly #startedAtMs = performance.now();
  #window = new Latencies();
  #windowStartMs = this.#startedAtMs;
  #pending = 0;
  #failure: unknown;
  #wake = () => {};

  constructor(recordSize: number) {
    this.#recordSize = recordSize;
  }

  watch(sending: Promise<unknown>): void {
    const sentAtMs = performance.now();
    this.#pending++;
    sending
      .then(
        () => {
          const latencyMs = performance.now() - sentAtMs;
          this.#all.add(latencyMs);
          this.#window.add(latencyMs);
        },
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#pending--;
        this.#wake();
      });
  }

  /** Waits while too much is under way, or more than `throughput` allows was sent. @throws what a send failed with */
  async pace(sent: number, throughput: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    while (this.#pending >= IN_FLIGHT_MAX) await this.#settled();
    const earlyMs = throughput > 0 ? (sent / throughput) * 1_000 - (performance.now() - this.#startedAtMs) : 0;
    if (earlyMs > 1) await new Promise((resolve) => setTimeout(resolve, earlyMs));
    else if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async finish(): Promise<void> {
    while (this.#pending > 0) await this.#settled();
    if (this.#failure !== undefined) throw this.#failure;
  }

  reportNowAndThen(output: Progress): void {
    const elapsedMs = performance.now() - this.#windowStartMs;
    if (elapsedMs < REPORT_INTERVAL_MS) return;
    output.write(`${this.#line(this.#window, elapsedMs)}.\n`);
    this.#window = new Latencies();
    this.#windowStartMs = performance.now();
  }

  result() {
    const elapsedMs = performance.now() - this.#startedAtMs;
    const [p50Ms, p95Ms, p99Ms, p999Ms] = this.#all.percentiles([0.5, 0.95, 0.99, 0.999]);
    const { count: records, avgMs, maxMs } = this.#all;
    const recordsPerSecond = (records * 1_000) / elapsedMs;
    const mebibytesPerSecond = (recordsPerSecond * this.#recordSize) / MEBIBYTE;
    return { records, recordsPerSecond, mebibytesPerSecond, avgMs, maxMs, p50Ms, p95Ms, p99Ms, p999Ms };
  }

  summary(): string {
    const { p50Ms, p95Ms, p99Ms, p999Ms } = this.result();
    const whole = (ms: number | undefined) => Math.round(ms ?? 0);
    const line = this.#line(this.#all, performance.now() - this.#startedAtMs);
    return `${line}, ${whole(p50Ms)} ms 50th, ${whole(p95Ms)} ms 95th, ${whole(p99Ms)} ms 99th, ${whole(p999Ms)} ms 99.9th.\n`;
  }

  #line({ count, avgMs, maxMs }: Latencies, elapsedMs: number): string {
    const perSecond = (count * 1_000) / elapsedMs;
    const mebibytes = (perSecond * this.#recordSize) / MEBIBYTE;
    return `${count} records sent, ${perSecond.toFixed(1)} records/sec (${mebibytes.toFixed(2)} MB/sec), ${avgMs.toFixed(2)} ms avg latency, ${maxMs.toFixed(2)} ms max latency`;
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
