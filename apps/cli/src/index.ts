export {
  BrokerStartError,
  type ConfigValues,
  type RunningBroker,
  type StartBrokerOptions,
  startBroker,
} from "@ottla/broker-app";
