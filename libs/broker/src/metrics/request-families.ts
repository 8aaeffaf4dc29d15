import { errorName } from "./error-counter.ts";
import type { Histogram } from "./histogram.ts";
import type { MetricFamily, MetricSample } from "./metric-family.ts";
import { QUANTILES } from "./quantiles.ts";
import type { ApiMetrics, RequestMetrics } from "./request-metrics.ts";

/** Upper bounds, powers of two: the histogram counts them exactly. */
const BOUNDS_MS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384];
const BOUNDS_BYTES = [6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26].map((exponent) => 2 ** exponent);

interface HistogramFamily {
  /** What the name has in Kafka's RequestMetrics. */
  readonly kafkaName: string;
  readonly kafkaHelp: string;
  readonly name: string;
  readonly help: string;
  readonly of: (metrics: ApiMetrics) => Histogram;
  /** In the unit of what is recorded. */
  readonly bounds: readonly number[];
  /** So many of those are one of the name's unit. */
  readonly perUnit: number;
}

const HISTOGRAMS: readonly HistogramFamily[] = [
  {
    kafkaName: "totaltimems",
    kafkaHelp: "From request to answer, in ms.",
    name: "ottla_request_total_time_seconds",
    help: "From request to answer, long polling included.",
    of: ({ totalTimeMs }) => totalTimeMs,
    bounds: BOUNDS_MS,
    perUnit: 1_000,
  },
  {
    kafkaName: "requestqueuetimems",
    kafkaHelp: "How long requests waited for a handler, in ms.",
    name: "ottla_request_queue_time_seconds",
    help: "How long requests waited for a handler.",
    of: ({ queueTimeMs }) => queueTimeMs,
    bounds: BOUNDS_MS,
    perUnit: 1_000,
  },
  {
    kafkaName: "requestbytes",
    kafkaHelp: "Size of requests.",
    name: "ottla_request_size_bytes",
    help: "Size of requests.",
    of: ({ requestBytes }) => requestBytes,
    bounds: BOUNDS_BYTES,
    perUnit: 1,
  },
];

/** Kafka's RequestMetrics as the exporter shows them, and times and sizes once more as histograms of Prometheus'. */
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
  for (const { kafkaName, kafkaHelp, of } of HISTOGRAMS) {
    const name = `kafka_network_requestmetrics_${kafkaName}`;
    yield { name, type: "gauge", help: kafkaHelp, samples: quantilesOf(requests, of, nowMs) };
    yield { name: `${name}_count`, type: "counter", help: "Requests by API.", samples: totalsOf(requests, of) };
  }
  for (const family of HISTOGRAMS) {
    const { name, help } = family;
    yield { name, type: "histogram", help, samples: bucketsOf(requests, family) };
  }
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

function* bucketsOf(requests: RequestMetrics, { of, bounds, perUnit }: HistogramFamily): Generator<MetricSample> {
  for (const metrics of requests) {
    const request = metrics.name;
    const histogram = of(metrics);
    for (const bound of bounds) {
      yield { suffix: "_bucket", labels: { request, le: bound / perUnit }, value: histogram.countUpTo(bound) };
    }
    yield { suffix: "_bucket", labels: { request, le: "+Inf" }, value: histogram.count };
    yield { suffix: "_sum", labels: { request }, value: histogram.sum / perUnit };
    yield { suffix: "_count", labels: { request }, value: histogram.count };
  }
}
