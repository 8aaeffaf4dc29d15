import type { ControllerPolicy } from "@ottla/metadata";
import type { LogCleanerOptions } from "@ottla/storage";
import type { QuotaWindows } from "../quotas/sampled-rate.ts";
import type { ServerLimits } from "../services/server.ts";
import type { BrokerConfig } from "./broker-config.ts";
import { TableConfigPolicy } from "./config-policy.ts";

// What the parts of a broker want to know, each from Kafka's keys.

export function logMemoryBounds(config: BrokerConfig) {
  return {
    tailMemoryBytes: config.require("log.tail.memory.bytes"),
    readBufferBytes: config.require("log.read.buffer.bytes"),
  };
}

export function cleanerOptions(config: BrokerConfig): LogCleanerOptions {
  return {
    threads: config.require("log.cleaner.threads"),
    backoffMs: config.require("log.cleaner.backoff.ms"),
    dedupeBufferBytes: config.require("log.cleaner.dedupe.buffer.size"),
    loadFactor: config.require("log.cleaner.io.buffer.load.factor"),
    ioMaxBytesPerSecond: config.require("log.cleaner.io.max.bytes.per.second"),
  };
}

export function controllerPolicy(
  config: BrokerConfig,
  { isOfCluster }: Pick<ControllerPolicy, "isOfCluster">,
): ControllerPolicy {
  return {
    defaultNumPartitions: config.require("num.partitions"),
    defaultReplicationFactor: config.require("default.replication.factor"),
    deleteTopicEnable: config.require("delete.topic.enable"),
    isOfCluster,
    configs: new TableConfigPolicy(config),
  };
}

export function quotaWindows(config: BrokerConfig): QuotaWindows {
  const windowMs = config.require("quota.window.size.seconds") * 1000;
  return { samples: config.require("quota.window.num"), windowMs };
}

export function controllerQuotaWindows(config: BrokerConfig): QuotaWindows {
  const windowMs = config.require("controller.quota.window.size.seconds") * 1000;
  return { samples: config.require("controller.quota.window.num"), windowMs };
}

export function serverLimits(config: BrokerConfig): ServerLimits {
  return {
    maxRequestBytes: config.require("socket.request.max.bytes"),
    connectionsMaxIdleMs: config.require("connections.max.idle.ms"),
    maxConnections: config.require("max.connections"),
    maxConnectionsPerIp: config.require("max.connections.per.ip"),
    maxConnectionsPerIpOverrides: config.require("max.connections.per.ip.overrides"),
    maxConnectionCreationRate: config.require("max.connection.creation.rate"),
    connectionCreationWindowMs:
      Math.max(1, config.require("quota.window.num") - 1) * config.require("quota.window.size.seconds") * 1000,
    queuedMaxRequestBytes: config.require("queued.max.request.bytes"),
  };
}

/** How leaderships go back to preferred replicas by themselves, or null where they do not. */
export function leaderBalancing(config: BrokerConfig) {
  if (!config.require("auto.leader.rebalance.enable")) return null;
  return { intervalMs: config.require("leader.imbalance.check.interval.seconds") * 1000 };
}

/** How long a broker that has ended may be taken for alive: until its session is over, and the controller has fenced it. */
export function idWaitMs(config: BrokerConfig): number {
  return config.require("zookeeper.session.timeout.ms") + config.require("broker.session.timeout.ms");
}

/** How long a stop waits for the leaderships to be handed over. */
export function handoverTimeoutMs(config: BrokerConfig): number {
  return config.require("controlled.shutdown.max.retries") * config.require("controlled.shutdown.retry.backoff.ms");
}
