import type { LogFields, Logger } from "@ottla/runtime";

export interface LogLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines for a test to look at. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];
  readonly debugEnabled = true;

  error = this.#recorder("error");
  warn = this.#recorder("warn");
  info = this.#recorder("info");
  debug = this.#recorder("debug");

  child(): Logger {
    return this;
  }

  /** Messages of lines at `info` or above. */
  messages(): string[] {
    return this.lines.filter(({ level }) => level !== "debug").map(({ message }) => message);
  }

  #recorder(level: LogLine["level"]) {
    return (message: string, fields: LogFields = {}) => void this.lines.push({ level, message, fields });
  }
}
