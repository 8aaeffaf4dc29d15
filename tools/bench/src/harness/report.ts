import { createRequire } from "node:module";
import { cpus, release, totalmem } from "node:os";
import type { Compared, ContestantResult, RowResult } from "./run-row.ts";

/** Everything that a run measured, as `--json` writes it. */
export interface Report {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly scenarios: readonly ScenarioResult[];
}

export interface ScenarioResult {
  readonly name: string;
  readonly description: string;
  readonly rows: readonly RowResult[];
}

/** What the figures were measured on. */
export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly hasBufferutil: boolean;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${release()} ${process.arch}`,
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    hasBufferutil: hasBufferutil(),
  };
}

/** The optional add-on that masks frames of WebSockets. */
function hasBufferutil(): boolean {
  try {
    createRequire(import.meta.resolve("@ottla/transport/node"))("bufferutil");
    return true;
  } catch {
    return false;
  }
}

type Column = readonly [heading: string, cell: (contestant: ContestantResult, row: RowResult) => string];

/** A column that no contestant of a row has anything for is left out of its table. */
const COLUMNS: readonly Column[] = [
  ["", ({ name }) => name],
  ["of its records", ({ share }) => (share === undefined ? "" : `${Math.round(share * 100)}%`)],
  ["median", ({ median }) => formatNumber(median)],
  ["(min … max)", ({ min, max }) => `(${formatNumber(min)} … ${formatNumber(max)})`],
  ["ratio", ({ name, ratio }, { baseline }) => (name === baseline ? "baseline" : formatRatio(ratio))],
  ["MB/s", ({ median, recordBytes }) => (recordBytes ? formatNumber((median * recordBytes) / 1e6) : "")],
  ["p50", ({ latencyMs }) => formatOptional(latencyMs?.p50)],
  ["p99", ({ latencyMs }) => formatOptional(latencyMs?.p99)],
  ["p99.9 ms", ({ latencyMs }) => formatOptional(latencyMs?.p999)],
  ["p99 of each round, warm-up first", ({ latencies = [] }) => latencies.map(({ p99 }) => formatNumber(p99)).join(" ")],
  ["per CPU s", ({ perCpuSecond }) => formatOptional(perCpuSecond?.median)],
  ["ratio", ({ name, perCpuSecond }, { baseline }) => formatCpuRatio(perCpuSecond, name === baseline)],
  ["per client CPU s", ({ perClientCpuSecond }) => formatOptional(perClientCpuSecond?.median)],
  ["ratio", ({ name, perClientCpuSecond }, { baseline }) => formatCpuRatio(perClientCpuSecond, name === baseline)],
  ["per broker CPU s", ({ perBrokerCpuSecond }) => formatOptional(perBrokerCpuSecond?.median)],
  ["ratio", ({ name, perBrokerCpuSecond }, { baseline }) => formatCpuRatio(perBrokerCpuSecond, name === baseline)],
  ["broker loop p99 ms, last 1-2 min", ({ brokerDelayP99Ms }) => formatOptional(brokerDelayP99Ms)],
  ["broker MB, highest", ({ brokerMegabytes }) => formatOptional(brokerMegabytes)],
  ["broker requests", ({ brokerRequests }) => formatOptional(brokerRequests)],
  ["broker MB out", ({ brokerMegabytesOut }) => formatOptional(brokerMegabytesOut)],
];

/** A row as a small table, the best first. */
export function formatRow(row: RowResult): string {
  const best = (a: ContestantResult, b: ContestantResult) => b.ratio - a.ratio;
  const contestants = [...row.contestants].sort(best);
  const columns = COLUMNS.filter(([, cell]) => contestants.some((contestant) => cell(contestant, row) !== ""));
  const lines = [
    columns.map(([heading]) => heading),
    ...contestants.map((contestant) => columns.map(([, cell]) => cell(contestant, row))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const table = lines.map((line) => `    ${line.map((cell, column) => pad(cell, widths[column]!, column)).join("  ")}`);
  return [`  ${row.name}, ${row.unit}`, ...table].join("\n");
}

/** Names to the left, figures to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** 95 s, 12 min. */
export function formatSeconds(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

const SUFFIXES = ["", "k", "M", "G"];

/** Three significant digits: 12.4 M, 861 k, 0.42. */
export function formatNumber(value: number): string {
  let scaled = value;
  let suffix = 0;
  while (Math.abs(scaled) >= 1000 && suffix < SUFFIXES.length - 1) {
    scaled /= 1000;
    suffix++;
  }
  const digits = Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)}${suffix === 0 ? "" : ` ${SUFFIXES[suffix]}`}`;
}

function formatRatio(value: number): string {
  // Nothing at all, where less is better.
  if (!Number.isFinite(value)) return "";
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(2)}x`;
}

function formatOptional(value: number | undefined): string {
  return value === undefined ? "" : formatNumber(value);
}

function formatCpuRatio(compared: Compared | undefined, isBaseline: boolean): string {
  return compared === undefined || isBaseline ? "" : formatRatio(compared.ratio);
}
