import type { Admin, GroupDescription } from "@ottla/admin";
import type { Command } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { byTopicAndPartition } from "../partition-order.ts";
import { printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";
import { addGroupOffsetCommands } from "./group-offsets.ts";

interface BaseOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** One partition that a group has committed an offset for, or that a member reads. */
interface GroupPartition {
  readonly topic: string;
  readonly partition: number;
  readonly committedOffset: number | null;
  readonly endOffset: number;
  readonly lag: number | null;
  readonly memberId: string | null;
  readonly clientId: string | null;
  readonly host: string | null;
}

export function addGroupsCommand(program: Command): void {
  const groups = program.command("groups").description("List, describe, reset and delete consumer groups.");
  withConnection(groups.command("list")).description("List groups.").option("--json", "print JSON").action(listGroups);
  withConnection(groups.command("describe"))
    .argument("<group...>", "ids of the groups")
    .description("Show state, members, committed offsets and lag.")
    .option("--json", "print JSON")
    .action(describeGroups);
  addGroupOffsetCommands(groups);
}

async function listGroups(options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const columns = { groupId: "GROUP", state: "STATE", type: "TYPE", protocolType: "PROTOCOL" };
    printRows(await admin.listGroups(), columns, { json: options.json ?? false, empty: "no groups yet" });
  });
}

async function describeGroups(groupIds: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const described = await admin.describeGroups(groupIds);
    const groups = await Promise.all(
      described.map(async (group) => ({ ...group, partitions: await groupPartitions(admin, group) })),
    );
    if (options.json) process.stdout.write(`${JSON.stringify(groups, null, 2)}\n`);
    else for (const group of groups) printGroup(group);
  });
}

function printGroup(group: GroupDescription & { readonly partitions: readonly GroupPartition[] }): void {
  const { groupId, state, assignor, members } = group;
  const count = `${members.length} member${members.length === 1 ? "" : "s"}`;
  process.stdout.write(`${groupId}  ${state}, ${count}${assignor === "" ? "" : `, assignor ${assignor}`}\n`);
  const rows = group.partitions.map((partition) => ({
    ...partition,
    committedOffset: partition.committedOffset ?? "-",
    lag: partition.lag ?? "-",
    clientId: partition.clientId ?? "-",
    host: partition.host ?? "-",
  }));
  const columns = {
    topic: "TOPIC",
    partition: "PARTITION",
    committedOffset: "COMMITTED",
    endOffset: "END",
    lag: "LAG",
    clientId: "CLIENT",
    host: "HOST",
  };
  printRows(rows, columns, { empty: "no offsets and no assignment" });
}

/** What the group has committed and what its members read, with the ends of those partitions. */
async function groupPartitions(admin: Admin, group: GroupDescription): Promise<GroupPartition[]> {
  const committed = await admin.listGroupOffsets(group.groupId);
  const owners = new Map(
    group.members.flatMap((member) => member.assignment.map((owned) => [`${owned.topic}-${owned.partition}`, member])),
  );
  const offsets = new Map(committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
  const known = [...committed, ...group.members.flatMap(({ assignment }) => assignment)];
  const partitions = [
    ...new Map(known.map(({ topic, partition }) => [`${topic}-${partition}`, { topic, partition }])).values(),
  ];
  partitions.sort(byTopicAndPartition);
  const ends = await admin.listOffsets(partitions.map((partition) => ({ ...partition, spec: "latest" as const })));
  return partitions.map((partition, i) => {
    const name = `${partition.topic}-${partition.partition}`;
    const committedOffset = offsets.get(name) ?? null;
    const endOffset = ends[i]?.offset ?? -1;
    const owner = owners.get(name);
    return {
      ...partition,
      committedOffset,
      endOffset,
      lag: committedOffset === null ? null : Math.max(endOffset - committedOffset, 0),
      memberId: owner?.memberId ?? null,
      clientId: owner?.clientId ?? null,
      host: owner?.clientHost ?? null,
    };
  });
}
