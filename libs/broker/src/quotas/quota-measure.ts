import type { ClientHolder } from "./quota-limits.ts";

/** What somebody who is held to a quota did of late. */
export interface HolderMeasures<Holder> {
  readonly holder: Holder;
  /** Per second; of processing time in percent. */
  readonly rate: number;
  /** The mean of the waits, in ms; null where there was none. */
  readonly throttleTimeMs: number | null;
}

/** The same of changes of topics. */
export interface MutationMeasures extends HolderMeasures<ClientHolder> {
  /** Partitions that may be created or deleted at once; less than 0 where they are owed. */
  readonly tokens: number;
}
