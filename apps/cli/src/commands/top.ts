import type { Command } from "commander";
import { withConnection } from "../connection.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";

export function addTopCommand(program: Command): void {
  withConnection(program.command("top"))
    .description("A live view of topics, groups and rates.")
    .option("-i, --interval <seconds>", "how often it is drawn", wholeNumber(1), 2)
    .option("-n, --iterations <number>", "end after so many pictures (default: with Ctrl-C)", wholeNumber(1))
    .option("--json", "print a line of JSON for each picture")
    .action(async (options) => (await import("../top.ts")).runTop(options, interruptSignal()));
}
