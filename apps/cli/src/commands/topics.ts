import type { Admin } from "@ottla/admin";
import { type Command, InvalidArgumentError } from "commander";
import { checkDeletedKeys } from "../config-keys.ts";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { collectKeyValue, collectPartitions, positiveInt } from "../options.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

interface BaseOptions extends ConnectionOptions {
  readonly json?: boolean;
}

type ConfigValues = Readonly<Record<string, string>>;

export function addTopicsCommand(program: Command): void {
  const topics = program
    .command("topics")
    .description("Create, list, describe, alter and delete topics, delete their records.");
  withConnection(topics.command("create"))
    .argument("<topic...>", "names of the topics")
    .description("Create topics.")
    .option("-p, --partitions <number>", "partitions of each (default: the broker's num.partitions)", positiveInt(32))
    .option("-r, --replication-factor <number>", "replicas of each partition (default: the broker's)", positiveInt(16))
    .option("-c, --config <key=value>", "a topic config; may be given several times", collectKeyValue)
    .option("--if-not-exists", "succeed when a topic exists already")
    .option("--json", "print JSON")
    .action(createTopics);
  withConnection(topics.command("list"))
    .description("List topics.")
    .option("-a, --all", "internal topics too")
    .option("--json", "print JSON")
    .action(listTopics);
  withConnection(topics.command("describe"))
    .argument("<topic...>", "names of the topics")
    .description("Show partitions, offsets and configs that were set.")
    .option("--json", "print JSON")
    .action(describeTopics);
  withConnection(topics.command("alter"))
    .argument("<topic>", "name of the topic")
    .description("Add partitions, or change configs.")
    .option("-p, --partitions <number>", "the new number of partitions", positiveInt(32))
    .option("-c, --config <key=value>", "set a topic config; may be given several times", collectKeyValue)
    .option("-d, --delete-config <key>", "go back to a config's default; may be given several times", collect)
    .option("--json", "print JSON")
    .action(alterTopic);
  withConnection(topics.command("delete"))
    .argument("<topic...>", "names of the topics")
    .description("Delete topics with all their records.")
    .option("--json", "print JSON")
    .action(deleteTopics);
  withConnection(topics.command("delete-records"))
    .argument("<topic>", "name of the topic")
    .description("Delete the oldest records of a topic's partitions, for good.")
    .requiredOption("--before <where>", "latest, the first offset to keep, or a time such as 2026-01-31T12:00:00Z")
    .option("-p, --partition <numbers>", "these only, with commas between them (default: all)", collectPartitions)
    .option("--dry-run", "show what would go, delete nothing")
    .option("--json", "print JSON")
    .action(async (topic, options) => (await import("../delete-records.ts")).deleteRecords(topic, options));
}

function collect(key: string, previous: string[] = []): string[] {
  if (key.includes("=")) throw new InvalidArgumentError("A key without a value is expected.");
  return [...previous, key];
}

async function createTopics(
  names: string[],
  options: BaseOptions & {
    readonly partitions?: number;
    readonly replicationFactor?: number;
    readonly config?: ConfigValues;
    readonly ifNotExists?: boolean;
  },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const existing = options.ifNotExists ? new Set((await admin.listTopics()).map(({ name }) => name)) : new Set();
    const missing = names.filter((name) => !existing.has(name));
    if (missing.length === 0) {
      if (options.json) printJson([]);
      return;
    }
    const topics = missing.map((name) => ({
      name,
      ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
      ...(options.replicationFactor === undefined ? {} : { replicationFactor: options.replicationFactor }),
      configs: options.config ?? {},
    }));
    // All or none: a name that cannot be used is found out before anything is made.
    if (topics.length > 1) await admin.createTopics(topics, { validateOnly: true });
    const created = await admin.createTopics(topics);
    if (options.json) return printJson(created);
    for (const { name, partitions } of created) {
      process.stdout.write(`created ${name} with ${partitions} partition${partitions === 1 ? "" : "s"}\n`);
    }
  });
}

async function listTopics(options: BaseOptions & { readonly all?: boolean }): Promise<void> {
  await withAdmin(options, async (admin) => {
    const listed = await admin.listTopics({ includeInternal: options.all ?? false });
    const described = await admin.describeTopics(listed.map(({ name }) => name));
    const rows = described.map(({ name, topicId, partitions }) => ({
      name,
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      topicId,
    }));
    const columns = { name: "TOPIC", partitions: "PARTITIONS", replicationFactor: "REPLICATION" };
    printRows(rows, columns, { json: options.json ?? false, empty: "no topics yet" });
  });
}

async function describeTopics(names: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const topics = await Promise.all(names.map((name) => describeTopic(admin, name)));
    if (options.json) {
      printJson(topics);
      return;
    }
    for (const { name, topicId, configs, partitions } of topics) {
      const settings = Object.entries(configs).map(([key, value]) => `${key}=${value}`);
      process.stdout.write(`${name}  (id ${topicId})${settings.length > 0 ? `\n  ${settings.join("\n  ")}` : ""}\n`);
      const rows = partitions.map((partition) => ({
        ...partition,
        replicas: partition.replicas.join(","),
        inSyncReplicas: partition.inSyncReplicas.join(","),
      }));
      const columns = {
        partition: "PARTITION",
        leader: "LEADER",
        replicas: "REPLICAS",
        inSyncReplicas: "ISR",
        earliestOffset: "EARLIEST",
        latestOffset: "LATEST",
      };
      printRows(rows, columns, { empty: "no partitions" });
    }
  });
}

async function describeTopic(admin: Admin, name: string) {
  const [topic] = await admin.describeTopics([name]);
  if (topic === undefined) throw new UsageError(`The broker said nothing of ${name}.`);
  const partitions = topic.partitions.map(({ partition }) => ({ topic: name, partition }));
  const [earliest, latest, [configs]] = await Promise.all([
    admin.listOffsets(partitions.map((partition) => ({ ...partition, spec: "earliest" as const }))),
    admin.listOffsets(partitions.map((partition) => ({ ...partition, spec: "latest" as const }))),
    admin.describeConfigs([{ type: "topic", name }]),
  ]);
  return {
    ...topic,
    configs: Object.fromEntries(
      (configs?.entries ?? []).filter(({ source }) => source === "topic").map(({ key, value }) => [key, value]),
    ),
    partitions: topic.partitions.map((partition, i) => ({
      ...partition,
      earliestOffset: earliest[i]?.offset ?? -1,
      latestOffset: latest[i]?.offset ?? -1,
    })),
  };
}

async function alterTopic(
  topic: string,
  options: BaseOptions & {
    readonly partitions?: number;
    readonly config?: ConfigValues;
    readonly deleteConfig?: readonly string[];
  },
): Promise<void> {
  const changes = [
    ...Object.entries(options.config ?? {}).map(([key, value]) => ({ key, value })),
    ...(options.deleteConfig ?? []).map((key) => ({ key, operation: "delete" as const })),
  ];
  if (options.partitions === undefined && changes.length === 0) {
    throw new UsageError("There is nothing to alter: give --partitions, --config or --delete-config.");
  }
  await withAdmin(options, async (admin) => {
    const growth = options.partitions === undefined ? [] : [{ topic, count: options.partitions }];
    // Both or neither: what cannot be done is found out before anything is.
    if (growth.length > 0 && changes.length > 0) await admin.createPartitions(growth, { validateOnly: true });
    await checkDeletedKeys(admin, { type: "topic", name: topic }, options.deleteConfig ?? []);
    if (changes.length > 0) await admin.incrementalAlterConfigs([{ type: "topic", name: topic, changes }]);
    if (growth.length > 0) await admin.createPartitions(growth);
    if (options.json) printJson({ name: topic, partitions: options.partitions, changes });
    else process.stdout.write(`altered ${topic}\n`);
  });
}

async function deleteTopics(names: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    // All or none: a name that is mistyped is found out before anything is gone.
    if (names.length > 1) await admin.describeTopics(names);
    await admin.deleteTopics(names);
    if (options.json) printJson(names.map((name) => ({ name })));
    else for (const name of names) process.stdout.write(`deleted ${name}\n`);
  });
}
