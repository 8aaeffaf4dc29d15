import type { ConfigEntry, ConfigResourceType } from "@ottla/admin";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { collectKeyValue } from "../options.ts";
import { printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

interface ConfigsOptions extends ConnectionOptions {
  readonly type: ConfigResourceType;
  readonly json?: boolean;
}

const TYPES: readonly ConfigResourceType[] = ["topic", "broker", "group", "brokerLogger", "clientMetrics"];

export function addConfigsCommand(program: Command): void {
  const configs = program.command("configs").description("Show and change configs of topics, brokers and groups.");
  withResource(configs.command("describe"))
    .description("Show configs with where each value comes from.")
    .option("-a, --all", "defaults too")
    .option("-k, --key <key...>", "these keys only")
    .option("--doc", "what each is for")
    .option("--json", "print JSON")
    .action(describeConfigs);
  withResource(configs.command("alter"))
    .description("Set configs, or go back to what is inherited. Takes effect at once.")
    .option("-s, --set <key=value>", "may be given several times", collectKeyValue)
    .option("-d, --delete <key>", "may be given several times", collectKey)
    .option("--dry-run", "check the values, change nothing")
    .option("--json", "print JSON")
    .action(alterConfigs);
}

function withResource(command: Command): Command {
  return withConnection(command)
    .argument("<name>", 'name of the topic or group, id of the broker ("" for all brokers)')
    .addOption(new Option("-t, --type <type>", "what has the configs").choices([...TYPES]).default("topic"));
}

function collectKey(key: string, previous: string[] = []): string[] {
  if (key.includes("=")) throw new InvalidArgumentError("A key without a value is expected.");
  return [...previous, key];
}

async function describeConfigs(
  name: string,
  options: ConfigsOptions & { readonly all?: boolean; readonly key?: readonly string[]; readonly doc?: boolean },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const query = { type: options.type, name, ...(options.key !== undefined && { keys: options.key }) };
    const [described] = await admin.describeConfigs([query], { includeDocumentation: true });
    const isShown = ({ source }: ConfigEntry) =>
      options.all === true || options.key !== undefined || source !== "default";
    const rows = (described?.entries ?? []).filter(isShown).map((entry) => ({
      key: entry.key,
      value: entry.isSensitive ? "(hidden)" : (entry.value ?? "(none)"),
      source: entry.source,
      isReadOnly: entry.isReadOnly,
      documentation: entry.documentation ?? "",
    }));
    const columns = {
      key: "KEY",
      value: "VALUE",
      source: "SOURCE",
      ...(options.doc === true && { documentation: "WHAT FOR" }),
    };
    printRows(rows, columns, { json: options.json ?? false, empty: "nothing is set; --all shows the defaults" });
  });
}

async function alterConfigs(
  name: string,
  options: ConfigsOptions & {
    readonly set?: Readonly<Record<string, string>>;
    readonly delete?: readonly string[];
    readonly dryRun?: boolean;
  },
): Promise<void> {
  const changes = [
    ...Object.entries(options.set ?? {}).map(([key, value]) => ({ key, value, operation: "set" as const })),
    ...(options.delete ?? []).map((key) => ({ key, operation: "delete" as const })),
  ];
  if (changes.length === 0) throw new UsageError("There is nothing to alter: give --set key=value or --delete key.");
  await withAdmin(options, async (admin) => {
    const validateOnly = options.dryRun ?? false;
    await admin.incrementalAlterConfigs([{ type: options.type, name, changes }], { validateOnly });
    if (options.json)
      process.stdout.write(`${JSON.stringify({ type: options.type, name, changes, isDryRun: validateOnly })}\n`);
    else process.stdout.write(validateOnly ? `${name} would be altered\n` : `altered ${name}\n`);
  });
}
