export { listenersOf } from "./config/listeners.ts";
export { checkStartOptions, OPTION_RULES } from "./config/start-options.ts";
export { RequestMetrics } from "./metrics/request-metrics.ts";
export { type PreparationOrder, prepareBatch } from "./partition/prepare-batch.ts";
export type { BrokerServices, ControllerGateway } from "./services/broker-services.ts";
export { type SupportedFeatures, supportedFeatures } from "./services/features.ts";
