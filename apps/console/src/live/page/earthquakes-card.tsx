import { useCallback } from "preact/hooks";
import { drawEarthquakes, isMoving, magnitudeColor } from "../draw/earthquake-map.ts";
import type { PageState } from "../feed/state.ts";
import { EARTHQUAKES } from "../feed/topics.ts";
import type { Earthquake } from "../model/earthquakes.ts";
import { Card } from "./card.tsx";
import { Hint } from "./hint.tsx";
import { useCanvas } from "./use-frame.ts";

const LISTED = 9;

/** A world map on which earthquakes appear as they are read, and the last ones by name. */
export function EarthquakesCard({ state }: { readonly state: PageState }) {
  const { earthquakes, frame } = state;
  const draw = useCallback(
    (canvas: HTMLCanvasElement) => {
      const nowMs = performance.now();
      drawEarthquakes(canvas, earthquakes.list, nowMs);
      return isMoving(earthquakes.list, nowMs);
    },
    [earthquakes],
  );
  const canvas = useCanvas(state, draw);
  frame.value;
  const latest = earthquakes.list.slice(-LISTED).reverse();
  return (
    <Card title="Earthquakes" topic={EARTHQUAKES} className="earthquakes" note={`${earthquakes.count} read`}>
      <div class="map">
        <canvas ref={canvas} role="img" aria-label="World map with the earthquakes read last" />
        <Hint state={state} />
      </div>
      <ol class="quakes">
        {latest.map((earthquake) => (
          <Row key={`${earthquake.id} ${earthquake.writtenAtMs}`} earthquake={earthquake} />
        ))}
      </ol>
    </Card>
  );
}

function Row({ earthquake: { magnitude, place, depthKm } }: { readonly earthquake: Earthquake }) {
  return (
    <li>
      <b style={{ background: magnitudeColor(magnitude) }}>{magnitude.toFixed(1)}</b>
      <span>{place}</span>
      <small>{Math.round(depthKm)} km deep</small>
    </li>
  );
}
