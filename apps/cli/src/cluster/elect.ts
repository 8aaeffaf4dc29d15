import type { Admin, ElectionType, TopicPartition, TopicPartitionDescription } from "@ottla/admin";
import type { ConnectionOptions } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

export interface ElectOptions extends ConnectionOptions {
  readonly type: ElectionType;
  readonly all?: boolean;
  readonly partition?: readonly number[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** A partition that needs an election, as it is before. */
interface Candidate extends TopicPartition {
  /** Null where nobody leads. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

/** Elects leaders of the partitions that need it. What is not there is found out before anything is changed. */
export async function elect(topics: readonly string[], options: ElectOptions): Promise<void> {
  checkArguments(topics, options);
  await withAdmin(options, async (admin) => {
    const candidates = await candidatesOf(admin, topics, options);
    const outcome = options.dryRun ? { elected: candidates } : await electThem(admin, candidates, options.type);
    if (options.json) printJson(outcome.elected);
    else print(outcome.elected, options);
    if (outcome.failure !== undefined) throw outcome.failure;
  });
}

function checkArguments(topics: readonly string[], { all = false, partition }: ElectOptions): void {
  if (all && topics.length > 0) throw new UsageError("Give names of topics or --all, not both.");
  if (!all && topics.length === 0) throw new UsageError("Of which topics? Give their names, or --all.");
  if (partition !== undefined && topics.length !== 1) throw new UsageError("--partition goes with one topic.");
}

async function candidatesOf(
  admin: Admin,
  topics: readonly string[],
  { type, partition: named }: ElectOptions,
): Promise<Candidate[]> {
  const names =
    topics.length > 0 ? topics : (await admin.listTopics({ includeInternal: true })).map(({ name }) => name);
  const described = await admin.describeTopics(names);
  const missing = named?.find((each) => each >= described[0]!.partitions.length);
  if (missing !== undefined) {
    throw new UsageError(
      `--partition ${missing}: ${topics[0]} has the partitions 0 to ${described[0]!.partitions.length - 1}.`,
    );
  }
  return described.flatMap(({ name: topic, partitions }) =>
    partitions
      .filter((each) => (named === undefined || named.includes(each.partition)) && needs(each, type))
      .map(({ partition, leader, replicas, inSyncReplicas }) => {
        return { topic, partition, leader: leader < 0 ? null : leader, replicas, inSyncReplicas };
      }),
  );
}

function needs({ leader, replicas }: TopicPartitionDescription, type: ElectionType): boolean {
  return type === "unclean" ? leader < 0 : leader !== replicas[0];
}

interface Outcome {
  readonly elected: readonly Candidate[];
  /** There where some could not be elected. */
  readonly failure?: Error;
}

async function electThem(admin: Admin, candidates: readonly Candidate[], type: ElectionType): Promise<Outcome> {
  if (candidates.length === 0) return { elected: [] };
  const { PartialFailureError } = await import("@ottla/admin");
  try {
    await admin.electLeaders(type, candidates);
    return { elected: candidates };
  } catch (error) {
    if (!(error instanceof PartialFailureError)) throw error;
    const failed = new Set(error.failures.map(({ resource }) => resource));
    const elected = candidates.filter(({ topic, partition }) => !failed.has(`${topic}-${partition}`));
    // The leader may have come to be right by itself meanwhile.
    const failures = error.failures.filter((each) => each.error.code !== "ELECTION_NOT_NEEDED");
    if (failures.length === 0) return { elected };
    return { elected, failure: new PartialFailureError("electLeaders", failures, candidates.length) };
  }
}

function print(elected: readonly Candidate[], { type, dryRun }: ElectOptions): void {
  const rows = elected.map(({ topic, partition, leader, replicas, inSyncReplicas }) => ({
    ...{ topic, partition, leader: leader ?? "none" },
    replicas: replicas.join(","),
    inSync: inSyncReplicas.join(","),
  }));
  const columns = { topic: "TOPIC", partition: "PARTITION", leader: "LED BY", replicas: "REPLICAS", inSync: "ISR" };
  printRows(rows, columns, { empty: `no partition has been given another leader (${type})` });
  if (rows.length === 0) return;
  process.stdout.write(
    dryRun ? "nothing was changed (--dry-run)\n" : "elected; ottla topics describe shows who leads\n",
  );
}
