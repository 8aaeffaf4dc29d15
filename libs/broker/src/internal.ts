export { checkStartOptions, OPTION_RULES } from "./config/start-options.ts";
export type { BrokerServices, ControllerGateway } from "./services/broker-services.ts";
