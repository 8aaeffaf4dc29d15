// For tests of libs that do not speak the protocol themselves.
export { ErrorCode, initProducerIdApi } from "@ottla/protocol";
export {
  FakeCluster,
  type FakeClusterOptions,
  type FakeHandler,
  type Fault,
  type FaultContext,
  topicIdOf,
} from "./fake-cluster.ts";
export { FakePartition, type FakeRecord } from "./fake-partition.ts";
