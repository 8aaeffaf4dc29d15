import type { MetadataImage } from "@ottla/metadata";
import type { AnyApiHandler } from "./api-handler.ts";
import { GroupCoordinator } from "./groups/group-coordinator.ts";
import { createGroups } from "./groups/index.ts";
import type { MetricFamily } from "./metrics/metric-family.ts";
import type { BrokerServices } from "./services/broker-services.ts";
import { createTransactions } from "./transactions/index.ts";

/** A part of the broker with handlers of its own, such as the group coordinator. */
export interface BrokerComponent {
  readonly handlers: readonly AnyApiHandler[];
  /** The metadata has changed, and this broker has acted on it. */
  metadataChanged?(previous: MetadataImage, next: MetadataImage): void;
  /** What it tells of itself. */
  metrics?(): Promise<readonly MetricFamily[]>;
  /** Ends what waits and runs; called while the connections and logs are still open. */
  close(): Promise<void>;
}

/** Makes the components of a broker. Called before any partition is led, so that they hear of every leadership. */
export function createComponents(broker: BrokerServices): BrokerComponent[] {
  const groups = new GroupCoordinator(broker);
  return [createGroups(broker, groups), createTransactions(broker, groups)];
}
