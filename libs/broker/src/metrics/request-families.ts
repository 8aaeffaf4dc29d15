import { errorName } from "./error-counter.ts";
import type { Histogram } from "./histogram.ts";
import type { MetricFamily, MetricSample } from "./metric-family.ts";
import { QUANTILES } from "./quantiles.ts";
import type { ApiMetrics, RequestMetrics } from "./request-metrics.ts";

/** Upper bounds in milliseconds, powers of two: the histogram counts them exactly. */
const BOUNDS_MS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384] as const;

/** Kafka's RequestMetrics as the exporter shows them, and the total time once more as a histogram of Prometheus'. */
export function* requestFamilies(requests: RequestMetrics, nowMs: number): Generator<MetricFamily> {
  yield {
    name: "kafka_network_requestmetrics_requests_total",
    type: "counter",
    help: "Requests by API and version.",
    samples: countsOf(requests),
  };
  yield {
    name: "kafka_network_requestmetrics_errors_total",
    type: "counter",
    help: "Error codes in answers by API, NONE among them: one answer may have many.",
    samples: errorsOf(requests),
  };
  const histograms: readonly [name: string, help: string, of: (metrics: ApiMetrics) => Histogram][] = [
    ["totaltimems", "From request to answer, in ms.", ({ totalTimeMs }) => totalTimeMs],
    ["requestqueuetimems", "How long requests waited for a handler, in ms.", ({ queueTimeMs }) => queueTimeMs],
    ["requestbytes", "Size of requests.", ({ requestBytes }) => requestBytes],
  ];
  for (const [name, help, of] of histograms) {
    const full = `kafka_network_requestmetrics_${name}`;
    yield { name: full, type: "gauge", help, samples: quantilesOf(requests, of, nowMs) };
    yield { name: `${full}_count`, type: "counter", help: "Requests by API.", samples: totalsOf(requests, of) };
  }
  yield {
    name: "ottla_request_total_time_seconds",
    type: "histogram",
    help: "From request to answer, long polling included.",
    samples: bucketsOf(requests),
  };
}

function* countsOf(requests: RequestMetrics): Generator<MetricSample> {
  for (const { name, countByVersion } of requests) {
    for (const [version, value] of countByVersion.entries()) {
      if (value !== undefined) yield { labels: { request: name, version }, value };
    }
  }
}

function* errorsOf(requests: RequestMetrics): Generator<MetricSample> {
  for (const { name, errors } of requests) {
    for (const [code, value] of errors) yield { labels: { request: name, error: errorName(code) }, value };
  }
}

function* quantilesOf(
  requests: RequestMetrics,
  of: (metrics: ApiMetrics) => Histogram,
  nowMs: number,
): Generator<MetricSample> {
  for (const metrics of requests) {
    const values = of(metrics).quantiles(QUANTILES.map(Number), nowMs);
    for (const [index, value] of values.entries()) {
      yield { labels: { request: metrics.name, quantile: QUANTILES[index]! }, value };
    }
  }
}

function* totalsOf(requests: RequestMetrics, of: (metrics: ApiMetrics) => Histogram): Generator<MetricSample> {
  for (const metrics of requests) yield { labels: { request: metrics.name }, value: of(metrics).count };
}

function* bucketsOf(requests: RequestMetrics): Generator<MetricSample> {
  for (const { name: request, totalTimeMs } of requests) {
    for (const boundMs of BOUNDS_MS) {
      const labels = { request, le: boundMs / 1_000 };
      yield { suffix: "_bucket", labels, value: totalTimeMs.countUpTo(boundMs) };
    }
    yield { suffix: "_bucket", labels: { request, le: "+Inf" }, value: totalTimeMs.count };
    yield { suffix: "_sum", labels: { request }, value: totalTimeMs.sum / 1_000 };
    yield { suffix: "_count", labels: { request }, value: totalTimeMs.count };
  }
}
