export * from "./log-errors.ts";
export * from "./log-manager.ts";
export * from "./partition-log.ts";
