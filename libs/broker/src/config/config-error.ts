/** One or more config values that the broker cannot start with. The message has one line for each. */
export class ConfigError extends Error {
  /** What is wrong, a line for each value. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}
