import { CommanderError } from "commander";

/** What went wrong is the user's input: a flag, a file, a value. */
export class UsageError extends Error {
  override name = "UsageError";
}

const EXIT_OK = 0;
/** Something is wrong, as the output says. */
export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As of a program that SIGPIPE ended. */
const EXIT_NO_READER = 141;

/** Shown below `--help`. */
export const EXIT_CODES = `
Exit codes: ${EXIT_OK} done, ${EXIT_FAILED} failed, ${EXIT_USAGE} wrong usage, 130 ended with Ctrl-C,
${EXIT_NO_READER} the reader of the output has gone, 143 ended with SIGTERM.`;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  const isUsage = error instanceof UsageError || (error instanceof Error && codeOf(error) === "INVALID_ARGUMENT");
  return isUsage ? EXIT_USAGE : EXIT_FAILED;
}

/** What a person can do about an error of one thing, where the broker does not say. */
const ADVICE: Readonly<Record<string, (resource: string) => string>> = {
  GROUP_ID_NOT_FOUND: (group) =>
    `There is no group "${group}"; \`ottla groups list\` shows those there are. (GROUP_ID_NOT_FOUND)`,
};

interface Failure {
  readonly resource: string;
  readonly error: Error & { readonly code?: unknown };
}

/**
 * Lines for a person, one for each thing that failed: the message, with Kafka's error name where there is one. Never a
 * stack trace, nor the name of a method.
 */
export function explain(thrown: unknown): string[] {
  const error = rootOf(thrown);
  const failures = error instanceof Error && "failures" in error ? (error.failures as readonly Failure[]) : [];
  if (failures.length === 0) return [withCode(error)];
  return failures.map(({ resource, error: failure }) => {
    return ADVICE[String(failure.code)]?.(resource) ?? withCode(rootOf(failure));
  });
}

/** Why something took too long says more than that it did. */
function rootOf(error: unknown): unknown {
  const isLate = error instanceof Error && "code" in error && error.code === "REQUEST_TIMED_OUT";
  return isLate && error.cause instanceof Error ? rootOf(error.cause) : error;
}

/** Whether the command ended as its user has told it to, by a signal: what was under way was given up, or its client closed. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && ["ABORTED", "CLOSED"].includes(codeOf(error) ?? "");
}

function withCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

let endWith = (exitCode: number): void => process.exit(exitCode);

/**
 * Ends the process when its output goes nowhere: quietly when the reader has gone (`ottla consume orders | head`), with a
 * word about it when a disk is full.
 */
export function endWithReader(output: NodeJS.WriteStream): void {
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return endWith(EXIT_NO_READER);
    process.stderr.write(`ottla: standard output cannot be written: ${error.message}\n`);
    endWith(EXIT_FAILED);
  });
}

/** For a command that may not simply end then, as it has processes to stop: aborts when the reader of its output has gone. */
export function readerGoneSignal(): AbortSignal {
  const controller = new AbortController();
  endWith = (exitCode) => {
    process.exitCode = exitCode;
    controller.abort();
  };
  return controller.signal;
}
