export {
  FakeCluster,
  type FakeClusterOptions,
  type FakeHandler,
  type Fault,
  type FaultContext,
} from "./fake-cluster.ts";
export { FakePartition, type FakeRecord } from "./fake-partition.ts";
