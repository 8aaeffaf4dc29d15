import { useEffect, useMemo } from "preact/hooks";
import { bootstrapServers } from "../app/cluster.ts";
import { PageHead } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { useStanding } from "../ui/standing.ts";
import { LiveFeed } from "./feed/live-feed.ts";
import { createPageState, type PageState, type Status } from "./feed/state.ts";
import "./live.css";
import { EarthquakesCard } from "./page/earthquakes-card.tsx";
import { FlightsCard } from "./page/flights-card.tsx";
import { MetricsCard } from "./page/metrics-card.tsx";
import { NotesCard } from "./page/notes-card.tsx";
import { PartitionsCard } from "./page/partitions-card.tsx";

const TEXTS: Readonly<Record<Status["name"], string>> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  failed: "Failed",
};

/** The demo: this page as a member of a group, drawing what it reads. It is one for as long as this view is open. */
export function LivePage() {
  const state = useMemo(createPageState, []);
  const feed = useMemo(() => new LiveFeed(state, bootstrapServers), [state]);
  useEffect(() => {
    void feed.run();
    const close = () => feed.close();
    addEventListener("pagehide", close);
    return () => {
      removeEventListener("pagehide", close);
      feed.close();
    };
  }, [feed]);
  const status = state.status.value;
  useStanding(status.name === "failed" ? `${status.message} Trying again.` : null);
  return (
    <>
      <PageHead
        title="Live demo"
        about="This page is a Kafka consumer: it reads these topics over WebSocket, in a group of its own."
      >
        <Traffic state={state} />
      </PageHead>
      <div class="live-grid">
        <EarthquakesCard state={state} />
        <MetricsCard state={state} />
        <FlightsCard state={state} />
        <NotesCard state={state} feed={feed} />
        <PartitionsCard state={state} feed={feed} />
      </div>
    </>
  );
}

/** Whether it works, and how much comes in. */
function Traffic({ state }: { readonly state: PageState }) {
  const status = state.status.value;
  state.frame.value;
  return (
    <>
      <p class="traffic">
        <b>{format.count(Math.round(state.traffic.perSecond))}</b> records/s
      </p>
      <p
        class={`feed-status ${status.name}`}
        role="status"
        title={status.name === "failed" ? status.message : undefined}
      >
        {TEXTS[status.name]}
      </p>
    </>
  );
}
