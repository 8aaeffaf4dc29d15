export { ZooKeeperClient, type ZooKeeperClientOptions } from "./client/zookeeper-client.ts";
export { parseZooKeeperConnect, type ZooKeeperConnect } from "./connect-string.ts";
export { isZooKeeperError, ZooKeeperError, type ZooKeeperErrorCode } from "./errors.ts";
export { type ModelFault, type ModelSession, ZooKeeperModel } from "./model/zookeeper-model.ts";
export type { SessionEvent, Watch, Znode, ZnodeOperation, ZnodeStat, ZooKeeper } from "./zookeeper.ts";
