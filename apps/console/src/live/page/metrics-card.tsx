import { Chart, Legend, type Line } from "../../ui/chart.tsx";
import type { PageState } from "../feed/state.ts";
import { METRICS } from "../feed/topics.ts";
import { Card, Nothing } from "./card.tsx";

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
      <Legend frame={state.frame} series={usage} lines={USAGE_LINES} format={percent} />
      <Chart
        label="Processor, memory and disk"
        frame={state.frame}
        series={usage}
        lines={USAGE_LINES}
        format={percent}
        max={100}
      />
      <Legend frame={state.frame} series={network} lines={NETWORK_LINES} format={bytesPerSecond} />
      <Chart label="Network" frame={state.frame} series={network} lines={NETWORK_LINES} format={bytesPerSecond} />
      {usage.isEmpty ? <Nothing topic={METRICS} /> : null}
    </Card>
  );
}

function percent(value: number): string {
  return `${Math.round(value)}%`;
}

function bytesPerSecond(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(value < 10_000_000 ? 1 : 0)} MB/s`;
  return `${Math.round(value / 1_000)} kB/s`;
}
