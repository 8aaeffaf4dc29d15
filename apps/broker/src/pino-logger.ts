import type { LogFields, Logger } from "@ottla/runtime";
import pino, { type Logger as PinoLogger } from "pino";

export type LogFormat = "json" | "pretty";
export type LogLevel = "error" | "warn" | "info" | "debug" | "silent";

/** Log lines on standard error: JSON for programs, or pretty for a person at a terminal. */
export async function createPinoLogger(options: {
  readonly format: LogFormat;
  readonly level: LogLevel;
}): Promise<Logger> {
  const settings = { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.format === "json") return adapt(pino(settings, pino.destination({ dest: 2, sync: true })));
  const { default: pretty } = await import("pino-pretty");
  return adapt(
    pino(settings, pretty({ destination: 2, sync: true, translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname" })),
  );
}

/** Pino takes the fields first, and errors under the name `err`. */
function adapt(logger: PinoLogger): Logger {
  return {
    error: (message, fields) => logger.error(shape(fields), message),
    warn: (message, fields) => logger.warn(shape(fields), message),
    info: (message, fields) => logger.info(shape(fields), message),
    debug: (message, fields) => logger.debug(shape(fields), message),
    get debugEnabled() {
      return logger.isLevelEnabled("debug");
    },
    child: (fields) => adapt(logger.child(fields)),
  };
}

/** An error becomes its message: a stack trace is for `debug`, not for the person who runs the broker. */
function shape(fields: LogFields | undefined): object {
  if (fields === undefined) return {};
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.message : value]),
  );
}
