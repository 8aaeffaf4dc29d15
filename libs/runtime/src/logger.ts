/** Structured fields of one log line. Sizes and times end in their unit. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where log lines go. One line per event that matters; nothing per request at `info` or above. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** True when `debug` lines go anywhere, so that costly fields are built only then. */
  readonly debugEnabled: boolean;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Discards everything: the default of the SDKs. */
export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  debugEnabled: false,
  child: () => silentLogger,
};
