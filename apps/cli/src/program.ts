import { Command } from "commander";
import { addBrokerCommand } from "./commands/broker.ts";
import { addClusterCommand } from "./commands/cluster.ts";
import { addCompletionCommand } from "./commands/completion.ts";
import { addConfigsCommand } from "./commands/configs.ts";
import { addConsumeCommand } from "./commands/consume.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addGroupsCommand } from "./commands/groups.ts";
import { addLogCommand } from "./commands/log.ts";
import { addPerfCommand } from "./commands/perf.ts";
import { addProduceCommand } from "./commands/produce.ts";
import { addTopCommand } from "./commands/top.ts";
import { addTopicsCommand } from "./commands/topics.ts";
import { addTransactionsCommand } from "./commands/transactions.ts";
import { EXIT_CODES } from "./exit.ts";
import { packageVersion } from "./version.ts";

/** The `ottla` command. Each subcommand loads what it needs only when it runs, so that `--help` and start are fast. */
export function createProgram(): Command {
  const program = new Command("ottla")
    .description("Kafka for TypeScript: a Kafka-compatible broker and its command line.")
    .version(packageVersion)
    .showHelpAfterError("(add --help for what is possible)")
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText("after", EXIT_CODES);
  addBrokerCommand(program);
  addClusterCommand(program);
  addTopicsCommand(program);
  addProduceCommand(program);
  addConsumeCommand(program);
  addGroupsCommand(program);
  addTransactionsCommand(program);
  addConfigsCommand(program);
  addLogCommand(program);
  addTopCommand(program);
  addDoctorCommand(program);
  addPerfCommand(program);
  addCompletionCommand(program);
  return program;
}
