export * from "./clock.ts";
export * from "./disk.ts";
export * from "./logger.ts";
export { createMemoryDisk, type MemoryDisk, type MemoryDiskOptions } from "./memory-disk.ts";
export { onAbort } from "./on-abort.ts";
export * from "./random.ts";
export * from "./runtime.ts";
export {
  type CrashEffect,
  type CrashKind,
  createSimulatedDisk,
  type DiskFault,
  type DiskOperation,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  type StoppedAt,
} from "./simulated-disk/simulated-disk.ts";
export * from "./simulated-runtime.ts";
export * from "./timers.ts";
