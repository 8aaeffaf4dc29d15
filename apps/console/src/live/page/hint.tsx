import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { PageState } from "../feed/state.ts";
import { EARTHQUAKES, FLIGHTS, METRICS } from "../feed/topics.ts";

const FED = [EARTHQUAKES, FLIGHTS, METRICS];

/** Says why there is nothing to see, where that is so: a broker without the demo's data, or an error. */
export function Hint({ state }: { readonly state: PageState }) {
  const isUnfed = useMemo(() => unfed(state), [state]);
  const status = state.status.value;
  if (status.name === "failed") {
    return <p class="hint error">{status.message} Trying again.</p>;
  }
  if (!isUnfed.value) return null;
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
