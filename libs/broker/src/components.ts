import type { MetadataImage } from "@ottla/metadata";
import type { AnyApiHandler } from "./api-handler.ts";
import { createGroups } from "./groups/index.ts";
import type { BrokerServices } from "./services/broker-services.ts";

/** A part of the broker with handlers of its own, such as the group coordinator. */
export interface BrokerComponent {
  readonly handlers: readonly AnyApiHandler[];
  /** The metadata has changed, and this broker has acted on it. */
  metadataChanged?(previous: MetadataImage, next: MetadataImage): void;
  /** Ends what waits and runs; called while the connections and logs are still open. */
  close(): Promise<void>;
}

/** Makes a component. Called before any partition is led, so that it hears of every leadership. */
export type ComponentFactory = (broker: BrokerServices) => BrokerComponent;

/** The components of every broker. */
export const components: readonly ComponentFactory[] = [createGroups];
