export { ZooKeeperClient, type ZooKeeperClientOptions } from "./client/zookeeper-client.ts";
export { parseZooKeeperConnect, type ZooKeeperConnect } from "./connect-string.ts";
export { isZooKeeperError, ZooKeeperError, type ZooKeeperErrorCode } from "./errors.ts";
export type { ModelSession } from "./model/model-session.ts";
export { type ModelCommit, type ModelFault, ZooKeeperModel } from "./model/zookeeper-model.ts";
export type { SessionEvent, Watch, Znode, ZnodeOperation, ZnodeStat, ZooKeeper } from "./zookeeper.ts";
