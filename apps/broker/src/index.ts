export { parseProperties } from "@ottla/broker";
export { type BrokerProcessOptions, runBrokerProcess } from "./run-broker-process.ts";
export {
  BrokerStartError,
  type ConfigValues,
  type RunningBroker,
  type StartBrokerOptions,
  startBroker,
} from "./start-broker.ts";
