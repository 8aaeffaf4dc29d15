import type { Runtime } from "@ottla/runtime";
import type { CompactionExecutor } from "@ottla/storage";
import type { Connector, HttpHandler } from "@ottla/transport";
import type { BrokerConfig } from "./config/broker-config.ts";
import type { PreparationExecutor } from "./partition/batch-preparation.ts";
import type { SupportedFeatures } from "./services/features.ts";
import type { DataDirectory } from "./services/open-directories.ts";
import type { StartServer } from "./services/server.ts";
import type { OpenMetadataLog } from "./services/shared-metadata-log.ts";

/** What a broker is made of. `startBroker` of the package `ottla` puts it together from a config alone. */
export interface BrokerOptions {
  /** All of its configs, checked. */
  readonly config: BrokerConfig;
  /** `log.dirs`. The first gets the cluster's metadata, where none has it yet. */
  readonly directories: readonly BrokerDirectory[];
  /** Clock, timers and randomness. */
  readonly runtime: Runtime;
  /** Opens its ports. */
  readonly startServer: StartServer;
  /** Opens the metadata log of a cluster. Default: what `zookeeper.connect` says; without that the broker is alone. */
  readonly openMetadataLog?: OpenMetadataLog;
  /** How this broker reaches others. Default: the platform's. */
  readonly connector?: Connector;
  /** Answers plain HTTP on the listeners. */
  readonly http?: HttpHandler;
  /** Where large batches are looked into and compressed anew, when their topic asks for that. Default: in this thread. */
  readonly preparationExecutor?: PreparationExecutor;
  /** Told what a start is at, in words: what may take long is one of it. */
  readonly onStep?: (step: string) => void;
  /** How many files the process may have open: logs have no more than half of them. Default: as `log.open.files.max` says. */
  readonly openFilesLimit?: number;
  /** The levels of Kafka's features that it can run at. Default: those of this version; for tests of upgrades. */
  readonly supportedFeatures?: SupportedFeatures;
  /**
   * Called when the broker cannot go on: with a `DiskError` because the disk of the metadata or of all log directories has
   * failed, when without this it lives on as far as it can; or with another error because a process that was started later has
   * its id, as with a copy of its data directory, when it shuts down by itself and has said so in its log.
   */
  readonly onFatal?: (error: Error) => void;
}

/** One of `log.dirs`. */
export interface BrokerDirectory extends DataDirectory {
  /** Where the directory's logs are compacted. Default: in this thread. */
  readonly compactionExecutor?: CompactionExecutor;
}
