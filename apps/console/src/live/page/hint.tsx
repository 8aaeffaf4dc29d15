import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { PageState } from "../feed/state.ts";
import { EARTHQUAKES, FLIGHTS, METRICS } from "../feed/topics.ts";
import { Nothing } from "./card.tsx";

const FED = [EARTHQUAKES, FLIGHTS, METRICS];

/** Says on the map why there is nothing to see: nothing was read yet, or the broker does not have the demo's data. */
export function Hint({ state }: { readonly state: PageState }) {
  const isUnfed = useMemo(() => unfed(state), [state]);
  state.frame.value;
  if (!isUnfed.value) return state.earthquakes.list.length === 0 ? <Nothing topic={EARTHQUAKES} /> : null;
  return (
    <p class="hint">
      This broker does not have the demo's topics (yet). <code>npm start</code> in a checkout of Ottla feeds them with
      real data; records of your own work without.
    </p>
  );
}

function unfed({ status, partitions }: PageState): ReadonlySignal<boolean> {
  return computed(() => status.value.name === "live" && !partitions.value.some(({ topic }) => FED.includes(topic)));
}
