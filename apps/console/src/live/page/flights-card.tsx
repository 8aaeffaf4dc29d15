import { useCallback } from "preact/hooks";
import { drawFlights } from "../draw/flight-plot.ts";
import type { PageState } from "../feed/state.ts";
import { FLIGHTS } from "../feed/topics.ts";
import { LATE_MINUTES } from "../model/flights.ts";
import { Card, Nothing } from "./card.tsx";
import { useCanvas } from "./use-frame.ts";

/** Flights as points. */
export function FlightsCard({ state }: { readonly state: PageState }) {
  const { flights, frame } = state;
  const draw = useCallback(
    (canvas: HTMLCanvasElement) => {
      drawFlights(canvas, flights.list);
      return false;
    },
    [flights],
  );
  const canvas = useCanvas(state, draw);
  frame.value;
  const share = `${Math.round(100 * flights.lateShare)}% over ${LATE_MINUTES} minutes late`;
  // A line of its own, which is there from the beginning: at the right of the title it takes three when it comes.
  const late = flights.count === 0 ? "\u00a0" : `departing at ${flights.departureTime}, ${share}`;
  return (
    <Card title="Flights" topic={FLIGHTS} className="flights">
      <p class="caption">{late}</p>
      <div class="plot">
        <canvas ref={canvas} role="img" aria-label="Delay of flights in minutes by distance in miles" />
        {flights.count === 0 ? <Nothing topic={FLIGHTS} /> : null}
      </div>
      <p class="caption">Delay in minutes by distance in miles</p>
    </Card>
  );
}
