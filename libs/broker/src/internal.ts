export type { BrokerServices, ControllerGateway } from "./services/broker-services.ts";
