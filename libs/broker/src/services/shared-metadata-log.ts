import { type MetadataLog, openZooKeeperMetadataLog } from "@ottla/metadata";
import type { Runtime } from "@ottla/runtime";
import type { Connector } from "@ottla/transport";
import type { BrokerConfig } from "../config/broker-config.ts";
import { StartupError } from "./data-directory.ts";

/** Opens the metadata log of a cluster: a broker's own connection to it. */
export type OpenMetadataLog = () => Promise<MetadataLog>;

/** How the cluster's metadata log is opened, as the configs say; null for a broker on its own. */
export function sharedMetadataLog(
  config: BrokerConfig,
  connector: Connector,
  runtime: Runtime,
): OpenMetadataLog | null {
  const connect = config.get("zookeeper.connect");
  if (connect === null || connect === "") return null;
  const sessionTimeoutMs = config.require("zookeeper.session.timeout.ms");
  const connectionTimeoutMs = config.get("zookeeper.connection.timeout.ms") ?? sessionTimeoutMs;
  return () => openZooKeeperMetadataLog({ connect, sessionTimeoutMs, connectionTimeoutMs, connector, runtime });
}

/** @throws StartupError when the data directory is of another cluster */
export function checkClusterId(found: string | undefined, clusterId: string, directory: string): void {
  if (found === undefined || found === clusterId) return;
  throw new StartupError(
    `${directory} belongs to cluster ${found}, and the metadata is that of cluster ${clusterId}; check zookeeper.connect, or choose another directory with log.dirs`,
  );
}
