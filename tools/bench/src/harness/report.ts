import { cpus, release, totalmem } from "node:os";
import type { ContestantResult, RowResult } from "./run-row.ts";

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
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${release()} ${process.arch}`,
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
  };
}

const HEADINGS = ["", "median", "(min … max)", "ratio", "per CPU s", "ratio"];

/** A row as a small table, the best first. */
export function formatRow(row: RowResult): string {
  const best = (a: ContestantResult, b: ContestantResult) => b.ratio - a.ratio;
  const lines = [
    HEADINGS,
    ...[...row.contestants].sort(best).map((contestant) => formatLine(contestant, row.baseline)),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const table = lines.map((line) => `    ${line.map((cell, column) => pad(cell, widths[column]!, column)).join("  ")}`);
  return [`  ${row.name}, ${row.unit}`, ...table].join("\n");
}

function formatLine(contestant: ContestantResult, baseline: string): string[] {
  const { name, median, min, max, ratio, perCpuSecond } = contestant;
  const isBaseline = name === baseline;
  return [
    name,
    formatNumber(median),
    `(${formatNumber(min)} … ${formatNumber(max)})`,
    isBaseline ? "baseline" : formatRatio(ratio),
    perCpuSecond === undefined ? "" : formatNumber(perCpuSecond.median),
    perCpuSecond === undefined || isBaseline ? "" : formatRatio(perCpuSecond.ratio),
  ];
}

/** Names to the left, figures to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
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
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(2)}x`;
}
