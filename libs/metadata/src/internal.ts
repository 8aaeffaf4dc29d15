export { committedImage, NOTHING_REPLAYED, type Replay, replayEntry } from "./log/replay.ts";
export {
  decodeControllerId,
  decodeEntry,
  decodeEpoch,
  type StoredEntry,
  ZooKeeperPaths,
} from "./log/zookeeper/layout.ts";
