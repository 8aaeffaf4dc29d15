export {
  decodeControllerId,
  decodeEntry,
  decodeEpoch,
  type StoredEntry,
  ZooKeeperPaths,
} from "./log/zookeeper/layout.ts";
