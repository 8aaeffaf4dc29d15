import type { TroubleMonitor } from "@ottla/client/internal";
import type { ProducerCounters } from "./metrics.ts";

/** Who is told of how things go. */
export interface ProducerWatch {
  readonly counters: ProducerCounters;
  readonly troubles: TroubleMonitor;
}
