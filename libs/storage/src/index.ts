export type * from "./compaction/compaction-job.ts";
export type { LogCleanerOptions } from "./compaction/log-cleaner.ts";
export { type MetaProperties, readMetaProperties, writeMetaProperties } from "./files/meta-properties.ts";
export * from "./log-config.ts";
export * from "./log-errors.ts";
export * from "./log-manager.ts";
export { type LogManagerOptions, openLogManager } from "./manager/open-log-manager.ts";
export * from "./partition-log.ts";
