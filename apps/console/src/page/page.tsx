import type { LiveFeed } from "../feed/live-feed.ts";
import type { PageState } from "../feed/state.ts";
import { EarthquakesCard } from "./earthquakes-card.tsx";
import { FlightsCard } from "./flights-card.tsx";
import { Header } from "./header.tsx";
import { Hint } from "./hint.tsx";
import { MetricsCard } from "./metrics-card.tsx";
import { NotesCard } from "./notes-card.tsx";
import { PartitionsCard } from "./partitions-card.tsx";

/** The whole page. */
export function Page({ state, feed }: { readonly state: PageState; readonly feed: LiveFeed }) {
  return (
    <>
      <Header state={state} />
      <Hint state={state} />
      <main>
        <EarthquakesCard state={state} />
        <MetricsCard state={state} />
        <FlightsCard state={state} />
        <NotesCard state={state} feed={feed} />
        <PartitionsCard state={state} feed={feed} />
      </main>
    </>
  );
}
