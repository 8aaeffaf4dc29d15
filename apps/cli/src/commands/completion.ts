import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "../completion.ts";

export function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "your shell").choices([...SHELLS]))
    .description("Print a script that completes commands and options.")
    .addHelpText("after", "\nFor bash: source <(ottla completion bash)")
    .action((shell: Shell) => void process.stdout.write(completionScript(shell, program)));
}
