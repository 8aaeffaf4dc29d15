export * from "./clock.ts";
export * from "./disk.ts";
export * from "./logger.ts";
export * from "./random.ts";
export * from "./runtime.ts";
export * from "./timers.ts";
