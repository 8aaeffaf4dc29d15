import type { Uuid } from "@ottla/protocol";
import type { Connector } from "@ottla/transport";
import type { BrokerOptions } from "../broker-options.ts";
import type { ListenerConfig } from "../config/listeners.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { LogActivity } from "../metrics/log-activity.ts";
import type { Closers } from "../services/closers.ts";
import type { SupportedFeatures } from "../services/features.ts";

/** What the steps of a start share. */
export interface StartContext {
  readonly options: BrokerOptions;
  /** What the steps have opened. */
  readonly closers: Closers;
  readonly config: LiveConfig;
  readonly listeners: readonly ListenerConfig[];
  readonly connector: Connector;
  readonly supportedFeatures: SupportedFeatures;
  /** Counts what the logs do. */
  readonly logActivity: LogActivity;
  /** By which this life of the broker is told from those before; null until it is about to be registered. */
  incarnationId: Uuid | null;
  /** -1 until the broker is registered; a broker whose registration is lost gets another. */
  brokerEpoch: number;
}
