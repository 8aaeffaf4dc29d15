import { CommanderError } from "commander";
import { endWithReader, exitCodeOf, explain, isInterruption } from "./exit.ts";
import { createProgram } from "./program.ts";

endWithReader(process.stdout);
try {
  await createProgram().parseAsync();
} catch (error) {
  if (!isInterruption(error) || process.exitCode === undefined) {
    // Commander has printed its own message already; `--help` and `--version` are errors of code 0 to it.
    if (!(error instanceof CommanderError)) for (const line of explain(error)) process.stderr.write(`ottla: ${line}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
