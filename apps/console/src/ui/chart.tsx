import type { Signal } from "@preact/signals";
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { themeColor } from "../live/draw/canvas.ts";
import type { Series } from "../live/model/series.ts";
import { onLookChange } from "../live/page/use-frame.ts";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Name of the theme's color. */
  readonly color: string;
}

export interface ChartProps {
  readonly label: string;
  /** When to draw again. */
  readonly frame: Signal<number>;
  readonly series: Series<string>;
  /** One for each column of the series. */
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  /** Upper end of the scale; as the data needs where it is absent. */
  readonly max?: number;
  /** The least that the scale reaches to. Default 10. */
  readonly floor?: number;
}

/** Values over time. Made anew when the theme changes, since its colors are drawn, not styled. */
export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => show(place.current!, props), [props.frame, props.series]);
  return <div ref={place} class="chart" role="img" aria-label={props.label} />;
}

function show(place: HTMLDivElement, props: ChartProps): () => void {
  let chart: uPlot | undefined;
  const rebuild = () => {
    chart?.destroy();
    chart = new uPlot(chartOptions(place, props), props.series.data, place);
  };
  rebuild();
  const stopObserving = onLookChange(place, rebuild);
  const stopWatching = effect(() => {
    props.frame.value;
    chart?.setData(props.series.data);
  });
  return () => {
    stopWatching();
    stopObserving();
    chart?.destroy();
  };
}

function chartOptions(place: HTMLDivElement, { lines, format, max, floor = 10 }: ChartProps): uPlot.Options {
  const font = "11px system-ui, sans-serif";
  const axis = {
    stroke: themeColor("muted"),
    font,
    grid: { stroke: themeColor("grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    // On the right half a time, where one stands at the end of the axis.
    padding: [10, 26, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_chart, _low, high) => [0, max ?? Math.max(floor, (high ?? 0) * 1.15)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 90, size: 24, values: (_chart, times) => times.map(clockTime) },
      { ...axis, size: 62, space: 34, values: (_chart, values) => values.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, color }, index) => ({
        label,
        stroke: themeColor(color),
        width: 1.75,
        spanGaps: true,
        points: { show: false },
        ...(index === 0 && { fill: `${themeColor(color)}1c` }),
      })),
    ],
  };
}

function clockTime(timeSeconds: number): string {
  return new Date(timeSeconds * 1_000).toLocaleTimeString("en-GB");
}

/** What the lines are, with their last values. */
export function Legend({ series, lines, format, frame }: Omit<ChartProps, "label">) {
  frame.value;
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
