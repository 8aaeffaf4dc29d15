export { cleanLog } from "./compaction/clean-log.ts";
export {
  type DumpEntry,
  type DumpOptions,
  dumpFile,
  type RecordDecoder,
  UnknownLogFile,
} from "./inspect/dump.ts";
export { type Damage, type VerifyOptions, type VerifyResult, verifyDirectory } from "./inspect/verify.ts";
export { AsyncMutex } from "./log/async-mutex.ts";
export { type RecordPolicy, RecordRules } from "./log/record-check.ts";
export { SharedRun } from "./log/shared-run.ts";
export { FramePool } from "./memory/frame-pool.ts";
