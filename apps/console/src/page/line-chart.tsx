import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { themeColor } from "../draw/canvas.ts";
import type { PageState } from "../feed/state.ts";
import type { Series } from "../model/series.ts";
import { onLookChange } from "./use-frame.ts";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Name of the theme's color. */
  readonly color: string;
}

interface LineChartProps {
  readonly state: PageState;
  readonly series: Series<string>;
  /** One for each column of the series. */
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Upper end of the scale; as the data needs where it is absent. */
  readonly max?: number;
}

/** Values over time. Made anew when the theme changes, since its colors are drawn, not styled. */
export function LineChart(props: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => show(place.current!, props), [props.state, props.series]);
  return <div ref={place} class="chart" />;
}

function show(place: HTMLDivElement, props: LineChartProps): () => void {
  let chart: uPlot | undefined;
  const rebuild = () => {
    chart?.destroy();
    chart = new uPlot(chartOptions(place, props), props.series.data, place);
  };
  rebuild();
  const stopObserving = onLookChange(place, rebuild);
  const stopWatching = effect(() => {
    props.state.frame.value;
    chart?.setData(props.series.data);
  });
  return () => {
    stopWatching();
    stopObserving();
    chart?.destroy();
  };
}

function chartOptions(place: HTMLDivElement, { lines, format, max }: LineChartProps): uPlot.Options {
  const axis = { stroke: themeColor("muted"), grid: { stroke: themeColor("grid"), width: 1 }, ticks: { show: false } };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_chart, _low, high) => [0, max ?? Math.max(10, (high ?? 0) * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 90, size: 26, values: (_chart, times) => times.map(clockTime) },
      { ...axis, size: 66, values: (_chart, values) => values.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, color }) => ({
        label,
        stroke: themeColor(color),
        width: 1.75,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

function clockTime(timeSeconds: number): string {
  return new Date(timeSeconds * 1_000).toLocaleTimeString("en-GB");
}
