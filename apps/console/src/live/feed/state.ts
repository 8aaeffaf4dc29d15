import type { Signal } from "@preact/signals";
import { signal } from "@preact/signals";
import { Earthquakes } from "../model/earthquakes.ts";
import { Flights } from "../model/flights.ts";
import { Metrics } from "../model/metrics.ts";
import { Notes } from "../model/notes.ts";
import { Traffic } from "../model/traffic.ts";

/** How the page stands with the broker. */
export type Status =
  | { readonly name: "connecting" | "live" | "reconnecting" }
  | { readonly name: "failed"; readonly message: string };

/** A partition that this page reads. */
export interface PartitionRow {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record; undefined before the first one. */
  readonly position: number | undefined;
  readonly lag: number | undefined;
}

/** What the page shows. Models change in place; {@link frame} says when to look at them again. */
export interface PageState {
  readonly status: Signal<Status>;
  /** Goes up at most once per picture of the screen, when something has changed. */
  readonly frame: Signal<number>;
  readonly partitions: Signal<readonly PartitionRow[]>;
  /** This page's member id in its group. */
  readonly memberId: Signal<string>;
  readonly traffic: Traffic;
  readonly earthquakes: Earthquakes;
  readonly metrics: Metrics;
  readonly flights: Flights;
  readonly notes: Notes;
}

export function createPageState(): PageState {
  return {
    status: signal<Status>({ name: "connecting" }),
    frame: signal(0),
    partitions: signal([]),
    memberId: signal(""),
    traffic: new Traffic(),
    earthquakes: new Earthquakes(),
    metrics: new Metrics(),
    flights: new Flights(),
    notes: new Notes(),
  };
}
