import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { type MetricFamily, type MetricSample, single } from "@ottla/broker";

/** Delays are sampled by a timer of the runtime's own, so often: each sample wakes a broker that has nothing to do. */
const RESOLUTION_MS = 100;
const NS_PER_S = 1e9;
const NS_PER_MS = 1e6;

/** Figures tell of the last one to two of these. */
const WINDOW_MS = 60_000;
const QUANTILES = [50, 90, 99] as const;

/** What this process is doing. */
export interface ProcessState {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  readonly cpuSeconds: number;
  /** How long the event loop was held up, 99th percentile. */
  readonly eventLoopDelayP99Ms: number;
}

/** Memory, processor time and the delay of the event loop, under the names that prom-client gives them. */
export class ProcessMetrics {
  #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #former: IntervalHistogram | null = null;
  #windowStartMs = performance.now();
  /** What the event loop had done when this window began, and when the one before did. */
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #formerUtilization = this.#utilization;
  readonly #startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime());

  /** Measures from now on. */
  constructor() {
    this.#delay.enable();
  }

  state(): ProcessState {
    const { heapUsed, external } = process.memoryUsage();
    return {
      residentBytes: process.memoryUsage.rss(),
      heapUsedBytes: heapUsed,
      externalBytes: external,
      cpuSeconds: cpuSeconds(),
      eventLoopDelayP99Ms: this.#delaySeconds(99) * 1_000,
    };
  }

  *families(): Generator<MetricFamily> {
    const { residentBytes, heapUsedBytes, externalBytes } = this.state();
    yield single("counter", "process_cpu_seconds_total", "Processor time, user and system.", cpuSeconds());
    yield single("gauge", "process_resident_memory_bytes", "Resident memory.", residentBytes);
    yield single("gauge", "process_start_time_seconds", "When the process began.", this.#startedAtSeconds);
    yield single("gauge", "nodejs_heap_size_used_bytes", "JavaScript heap in use.", heapUsedBytes);
    yield single("gauge", "nodejs_external_memory_bytes", "Memory outside of the heap.", externalBytes);
    for (const percentile of QUANTILES) {
      const name = `nodejs_eventloop_lag_p${percentile}_seconds`;
      yield single("gauge", name, `Delay of the event loop, p${percentile}.`, this.#delaySeconds(percentile));
    }
    yield single("gauge", "nodejs_eventloop_lag_max_seconds", "Its maximum.", this.#delaySeconds(100));
    yield* this.#idleFamilies();
    yield { name: "nodejs_version_info", type: "gauge", help: "Version of Node.js.", samples: [versionSample()] };
  }

  /**
   * Kafka's network threads and request handlers are one thread here: the event loop, which is idle where it waits for
   * something to come. What disks, compression and compaction do in threads of their own is not in it.
   */
  *#idleFamilies(): Generator<MetricFamily> {
    this.#turnWindow();
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#formerUtilization);
    const network = "kafka_network_socketserver_networkprocessoravgidlepercent";
    yield single("gauge", network, "Share of time that the event loop was idle, 0 to 1.", 1 - utilization);
    const idleNs = Math.round(now.idle * NS_PER_MS);
    const handlers = "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent_count";
    yield single(
      "counter",
      handlers,
      "Time that the event loop was idle, in ns: its rate is 1e9 where it always is.",
      idleNs,
    );
  }

  close(): void {
    this.#delay.disable();
    this.#former?.disable();
  }

  /** The worse of this window and the one before. The sampler's own interval is not a delay. */
  #delaySeconds(percentile: number): number {
    this.#turnWindow();
    const delaysNs = [this.#delay, this.#former].map((window) => (window?.count ? window.percentile(percentile) : 0));
    return Math.max(0, Math.max(...delaysNs) / NS_PER_S - RESOLUTION_MS / 1_000);
  }

  #turnWindow(): void {
    const nowMs = performance.now();
    if (nowMs - this.#windowStartMs < WINDOW_MS) return;
    this.#windowStartMs = nowMs;
    this.#formerUtilization = this.#utilization;
    this.#utilization = performance.eventLoopUtilization();
    this.#former = this.#delay;
    this.#former.disable();
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function versionSample(): MetricSample {
  return { labels: { version: process.version }, value: 1 };
}
