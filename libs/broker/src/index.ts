export { type Broker, startBroker } from "./broker.ts";
export type { BrokerDirectory, BrokerOptions } from "./broker-options.ts";
export { BrokerConfig, ConfigSource, type ConfigSynonym } from "./config/broker-config.ts";
export { type BrokerConfigName, type BrokerConfigValue, brokerConfigTable } from "./config/broker-config-table.ts";
export { ConfigError } from "./config/config-error.ts";
export * from "./config/config-sources.ts";
export { type TopicConfigName, topicConfigTable } from "./config/topic-config-table.ts";
export { type MetricFamily, type MetricSample, prometheusText, single } from "./metrics/metric-family.ts";
export type { ApiMetrics } from "./metrics/request-metrics.ts";
export type { PreparationExecutor } from "./partition/batch-preparation.ts";
export { StartupError } from "./services/data-directory.ts";
export { DataDirectoryError } from "./services/open-directories.ts";
export {
  bootstrapServersOf,
  type OpenListener,
  type OpenServer,
  type ServerOptions,
  type StartServer,
  webSocketUrlOf,
} from "./services/server.ts";
