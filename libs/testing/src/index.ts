export type { ConfigValues } from "@ottla/broker";
export type { Fault, Faults, FaultTarget, InjectedFault, PauseOptions } from "./faults.ts";
export type { ReadTopicOptions } from "./read-topic.ts";
export {
  type RecordInput,
  startTestBroker,
  type TestBroker,
  type TestBrokerOptions,
  type TopicOptions,
} from "./test-broker.ts";
export type { TestClock } from "./test-clock.ts";
export { type ClusterBroker, startCluster, type TestCluster, type TestClusterOptions } from "./test-cluster.ts";
export type { TestRecord } from "./test-record.ts";
