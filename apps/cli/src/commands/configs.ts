import type { Admin, ConfigEntry, ConfigResource, ConfigResourceType } from "@ottla/admin";
import { type Command, InvalidArgumentError, Option } from "commander";
import { checkDeletedKeys, describeKnownConfigs } from "../config-keys.ts";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { collectKeyValue } from "../options.ts";
import { alterQuotas, describeQuotas, isQuotaType, QUOTA_TYPES, type QuotaType } from "../quotas.ts";
import { requireBrokerWithId } from "../registered-brokers.ts";
import { printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

interface ConfigsOptions extends ConnectionOptions {
  readonly type: ConfigResourceType | QuotaType;
  readonly clientId?: string;
  readonly json?: boolean;
}

interface DescribeOptions extends ConfigsOptions {
  readonly all?: boolean;
  readonly key?: readonly string[];
  readonly doc?: boolean;
}

interface AlterOptions extends ConfigsOptions {
  readonly set?: Readonly<Record<string, string>>;
  readonly delete?: readonly string[];
  readonly dryRun?: boolean;
}

const TYPES: readonly ConfigResourceType[] = ["topic", "broker", "group", "brokerLogger", "clientMetrics"];

export function addConfigsCommand(program: Command): void {
  const configs = program
    .command("configs")
    .description("Show and change configs of topics, brokers and groups, and quotas of users, clients and addresses.");
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
    .argument(
      "[name]",
      'name of the topic or group, id of the broker ("" for all brokers); user, client id or address ("" for all that have no quota by name)',
    )
    .addOption(
      new Option("-t, --type <type>", "what has the configs, or quotas")
        .choices([...TYPES, ...QUOTA_TYPES])
        .default("topic"),
    )
    .option(
      "--client-id <id>",
      'with --type user: of that user with this client id ("" for all client ids without one)',
    );
}

function collectKey(key: string, previous: string[] = []): string[] {
  if (key.includes("=")) throw new InvalidArgumentError("A key without a value is expected.");
  return [...previous, key];
}

async function describeConfigs(given: string | undefined, options: DescribeOptions): Promise<void> {
  const { type } = options;
  if (isQuotaType(type)) return await describeQuotas(given, { ...options, type });
  const name = nameOf(given, options);
  await withAdmin(options, async (admin) => {
    await requireBrokerOf(admin, { type, name });
    const query = { type, name, ...(options.key !== undefined && { keys: options.key }) };
    const entries = await describeKnownConfigs(admin, query);
    const isShown = ({ source }: ConfigEntry) =>
      options.all === true || options.key !== undefined || source !== "default";
    const rows = entries.filter(isShown).map((entry) => ({
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

/** @throws UsageError where a thing with configs is not named, or as only quotas have it */
function nameOf(given: string | undefined, { type, clientId }: ConfigsOptions): string {
  if (clientId !== undefined)
    throw new UsageError("--client-id goes with --type user; a client alone is --type client.");
  if (given !== undefined) return given;
  throw new UsageError(`Which ${type}? Give its name; only ${QUOTA_TYPES.join(", ")} can be shown all at once.`);
}

/** Only the broker itself answers for its configs. */
async function requireBrokerOf(admin: Admin, { type, name }: ConfigResource): Promise<void> {
  if ((type === "broker" || type === "brokerLogger") && /^\d+$/.test(name))
    await requireBrokerWithId(admin, Number(name));
}

async function alterConfigs(given: string | undefined, options: AlterOptions): Promise<void> {
  const { type } = options;
  const changes = [
    ...Object.entries(options.set ?? {}).map(([key, value]) => ({ key, value, operation: "set" as const })),
    ...(options.delete ?? []).map((key) => ({ key, operation: "delete" as const })),
  ];
  if (changes.length === 0) throw new UsageError("There is nothing to alter: give --set key=value or --delete key.");
  if (isQuotaType(type)) return await alterQuotas(given, { ...options, type });
  const name = nameOf(given, options);
  await withAdmin(options, async (admin) => {
    const validateOnly = options.dryRun ?? false;
    await requireBrokerOf(admin, { type, name });
    await checkDeletedKeys(admin, { type, name }, options.delete ?? []);
    await admin.incrementalAlterConfigs([{ type, name, changes }], { validateOnly });
    if (options.json) process.stdout.write(`${JSON.stringify({ type, name, changes, isDryRun: validateOnly })}\n`);
    else {
      const whose = name === "" ? `all ${type}s` : name;
      process.stdout.write(validateOnly ? `${whose} would be altered\n` : `altered ${whose}\n`);
    }
  });
}
