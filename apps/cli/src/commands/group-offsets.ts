import type { Admin } from "@ottla/admin";
import type { Command } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";

import { byTopicAndPartition } from "../partition-order.ts";
import { newOffsetOf, parseResetTarget, type ResetTarget } from "../reset-target.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

interface BaseOptions extends ConnectionOptions {
  readonly json?: boolean;
}

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where a partition's offset is, and where it goes. */
interface OffsetMove extends TopicPartition {
  readonly committedOffset: number | null;
  readonly newOffset: number;
}

/** `ottla groups lag`, `reset-offsets` and `delete`. */
export function addGroupOffsetCommands(groups: Command): void {
  withConnection(groups.command("lag"))
    .argument("[group...]", "ids of the groups (default: all)")
    .description("Show how far groups are behind, the worst first.")
    .option("--json", "print JSON")
    .action(showLag);
  withConnection(groups.command("reset-offsets"))
    .argument("<group>", "id of the group; it must have no members")
    .requiredOption("--to <where>", "earliest, latest, an offset, -10 or +10, or a time such as 2026-01-31T12:00:00Z")
    .option("--topic <topic...>", "these only, as topic or topic:partition (default: all that the group has committed)")
    .option("--dry-run", "show what would change, change nothing")
    .option("--json", "print JSON")
    .description("Move what a group has committed.")
    .action(resetOffsets);
  withConnection(groups.command("delete"))
    .argument("<group...>", "ids of the groups; they must have no members")
    .option("--json", "print JSON")
    .description("Delete groups with their committed offsets.")
    .action(deleteGroups);
}

async function showLag(groupIds: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const wanted = groupIds.length > 0 ? groupIds : (await admin.listGroups()).map(({ groupId }) => groupId);
    const rows = (await Promise.all(wanted.map((groupId) => lagOf(admin, groupId)))).sort((a, b) => b.lag - a.lag);
    const columns = { groupId: "GROUP", state: "STATE", members: "MEMBERS", partitions: "PARTITIONS", lag: "LAG" };
    printRows(rows, columns, { json: options.json ?? false, empty: "no groups yet" });
  });
}

async function lagOf(admin: Admin, groupId: string) {
  const [[group], committed] = await Promise.all([admin.describeGroups([groupId]), admin.listGroupOffsets(groupId)]);
  const ends = await admin.listOffsets(
    committed.map(({ topic, partition }) => ({ topic, partition, spec: "latest" as const })),
  );
  const lag = committed.reduce((sum, { offset }, at) => sum + Math.max(0, ends[at]!.offset - offset), 0);
  return { groupId, state: group!.state, members: group!.members.length, partitions: committed.length, lag };
}

async function resetOffsets(
  groupId: string,
  options: BaseOptions & { readonly to: string; readonly topic?: readonly string[]; readonly dryRun?: boolean },
): Promise<void> {
  // Kafka has offsets of a group without a name, for clients of long ago; nobody means it here.
  if (groupId === "") throw new UsageError("The id of the group is empty; `ottla groups list` shows those there are.");
  const target = parseResetTarget(options.to);
  await withAdmin(options, async (admin) => {
    await requireNoMembers(admin, groupId);
    const moves = await movesOf(admin, groupId, target, options.topic ?? []);
    if (moves.length === 0) throw new UsageError(`${groupId} has committed nothing; name what to set with --topic.`);
    if (options.dryRun !== true) {
      await admin.alterGroupOffsets(
        groupId,
        moves.map(({ topic, partition, newOffset }) => ({ topic, partition, offset: newOffset })),
      );
    }
    const rows = moves.map((move) => ({ ...move, committedOffset: move.committedOffset ?? "-" }));
    if (options.json) return printJson(moves);
    const columns = { topic: "TOPIC", partition: "PARTITION", committedOffset: "COMMITTED", newOffset: "NEW OFFSET" };
    printRows(rows, columns, { empty: "" });
    process.stdout.write(options.dryRun === true ? "nothing was changed (--dry-run)\n" : "reset\n");
  });
}

/** States in which nobody is in a group; brokers before Kafka 2.6 tell none. */
const WITHOUT_MEMBERS = ["Empty", "Dead", ""];

/** The coordinator would only say that it does not know the member who commits. A group that is not there yet is made. */
async function requireNoMembers(admin: Admin, groupId: string): Promise<void> {
  const group = (await admin.listGroups()).find((listed) => listed.groupId === groupId);
  if (group === undefined || WITHOUT_MEMBERS.includes(group.state)) return;
  throw new Error(
    `Group "${groupId}" is ${group.state}; its offsets are moved while it has no members: stop its consumers first.`,
  );
}

async function movesOf(
  admin: Admin,
  groupId: string,
  target: ResetTarget,
  named: readonly string[],
): Promise<OffsetMove[]> {
  const committed = await admin.listGroupOffsets(groupId);
  const known = new Map(committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
  const partitions: TopicPartition[] =
    named.length === 0 ? committed.toSorted(byTopicAndPartition) : await partitionsOf(admin, named);
  const ask = async (spec: "earliest" | "latest" | { readonly timestampMs: number }) =>
    (await admin.listOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, spec })))).map(
      ({ offset }) => offset,
    );
  const [begins, ends, found] = await Promise.all([
    ask("earliest"),
    ask("latest"),
    target.kind === "time" ? ask({ timestampMs: target.timestampMs }) : [],
  ]);
  return partitions.map(({ topic, partition }, at) => {
    const range = { begin: begins[at]!, end: ends[at]! };
    const committedOffset = known.get(`${topic}-${partition}`) ?? null;
    const newOffset = newOffsetOf(target, committedOffset ?? range.begin, range, found[at] ?? -1);
    return { topic, partition, committedOffset, newOffset };
  });
}

/** `orders` is all of its partitions, `orders:3` one. */
async function partitionsOf(admin: Admin, named: readonly string[]): Promise<TopicPartition[]> {
  const parsed = named.map((text) => {
    const match = /^([^:]+)(?::(\d+))?$/.exec(text);
    if (match === null) throw new UsageError(`--topic is "${text}"; it must be a topic, or topic:partition.`);
    return { topic: match[1]!, partition: match[2] === undefined ? null : Number(match[2]) };
  });
  const described = await admin.describeTopics([...new Set(parsed.map(({ topic }) => topic))]);
  return parsed.flatMap(({ topic, partition }) => {
    const all = described
      .find(({ name }) => name === topic)!
      .partitions.map((each) => ({ topic, partition: each.partition }));
    if (partition === null) return all;
    if (partition >= all.length) {
      throw new UsageError(`--topic ${topic}:${partition}: ${topic} has the partitions 0 to ${all.length - 1}.`);
    }
    return all.filter((each) => each.partition === partition);
  });
}

async function deleteGroups(groupIds: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    if (groupIds.length > 1) await requireDeletable(admin, groupIds);
    await admin.deleteGroups(groupIds);
    if (options.json) printJson(groupIds.map((groupId) => ({ groupId })));
    else for (const groupId of groupIds) process.stdout.write(`deleted ${groupId}\n`);
  });
}

/** All or none: a name that is mistyped, or a group that somebody is in, is found out before anything is gone. */
async function requireDeletable(admin: Admin, groupIds: readonly string[]): Promise<void> {
  const inUse = (await admin.describeGroups(groupIds)).filter(({ members }) => members.length > 0);
  if (inUse.length === 0) return;
  const named = inUse.map(({ groupId, members }) => `"${groupId}" (${members.length})`).join(", ");
  throw new Error(`Groups with members cannot be deleted: ${named}. Nothing was deleted; stop their consumers first.`);
}
