import type { PageState } from "../feed/state.ts";
import { METRICS } from "../feed/topics.ts";
import type { Series } from "../model/series.ts";
import { Card, Nothing } from "./card.tsx";
import { type Line, LineChart } from "./line-chart.tsx";

const USAGE_LINES: readonly Line[] = [
  { label: "CPU", color: "line-1" },
  { label: "Memory", color: "line-2" },
  { label: "Disk", color: "line-3" },
];

const NETWORK_LINES: readonly Line[] = [
  { label: "Received", color: "line-1" },
  { label: "Sent", color: "line-4" },
];

/** What the machine below the broker does, as lines. */
export function MetricsCard({ state }: { readonly state: PageState }) {
  const { usage, network } = state.metrics;
  state.frame.value;
  return (
    <Card title="This machine" topic={METRICS} className="metrics">
      <Legend series={usage} lines={USAGE_LINES} format={percent} />
      <LineChart state={state} series={usage} lines={USAGE_LINES} format={percent} max={100} />
      <Legend series={network} lines={NETWORK_LINES} format={bytesPerSecond} />
      <LineChart state={state} series={network} lines={NETWORK_LINES} format={bytesPerSecond} />
      {usage.isEmpty ? <Nothing topic={METRICS} /> : null}
    </Card>
  );
}

interface LegendProps {
  readonly series: Series<string>;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

function Legend({ series, lines, format }: LegendProps) {
  return (
    <ul class="legend">
      {lines.map(({ label, color }, index) => {
        const last = series.last(series.names[index]!);
        return (
          <li key={label}>
            <i style={{ background: `var(--${color})` }} />
            {label} <b>{last === undefined ? "–" : format(last)}</b>
          </li>
        );
      })}
    </ul>
  );
}

function percent(value: number): string {
  return `${Math.round(value)}%`;
}

function bytesPerSecond(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(value < 10_000_000 ? 1 : 0)} MB/s`;
  return `${Math.round(value / 1_000)} kB/s`;
}
