import { setTimeout as sleep } from "node:timers/promises";
import type { Admin } from "@ottla/admin";
import type { ConnectionOptions } from "./connection.ts";
import { explain, isInterruption } from "./exit.ts";
import { formatTable } from "./table.ts";
import { withAdmin } from "./with-admin.ts";

interface TopOptions extends ConnectionOptions {
  readonly interval: number;
  readonly iterations?: number;
  readonly json?: boolean;
}

/** The cluster at one moment. */
interface Picture {
  readonly atMs: number;
  readonly brokers: number;
  /** By topic: the sum of its partitions' ends. */
  readonly ends: ReadonlyMap<string, number>;
  readonly groups: readonly { readonly groupId: string; readonly state: string; readonly lag: number }[];
}

const CLEAR_SCREEN = "\u001b[H\u001b[J";
const ENTER_SCREEN = "\u001b[?1049h\u001b[?25l";
const LEAVE_SCREEN = "\u001b[?25h\u001b[?1049l";
const GROUPS_MAX = 100;

/** Draws again and again until it is interrupted. Off a terminal it prints one picture after another. */
export async function runTop(options: TopOptions, signal: AbortSignal): Promise<void> {
  const isScreen = process.stdout.isTTY === true && !options.json;
  if (isScreen) process.stdout.write(ENTER_SCREEN);
  try {
    await withAdmin(options, async (admin) => {
      let before: Picture | null = null;
      for (let drawn = 0; !signal.aborted && drawn < (options.iterations ?? Number.POSITIVE_INFINITY); drawn++) {
        if (drawn > 0) await sleep(options.interval * 1_000, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        const now = await lookAgain(admin, signal, before === null);
        process.stdout.write(
          options.json
            ? `${JSON.stringify(toJson(now, before))}\n`
            : `${isScreen ? CLEAR_SCREEN : ""}${draw(now, before)}`,
        );
        if (typeof now !== "string") before = now;
      }
    });
  } finally {
    if (isScreen) process.stdout.write(LEAVE_SCREEN);
  }
}

/** Once there was a picture, a cluster that does not answer is what one wants to see, in words. */
async function lookAgain(admin: Admin, signal: AbortSignal, isFirst: boolean): Promise<Picture | string> {
  try {
    return await look(admin, signal);
  } catch (error) {
    if (isFirst || isInterruption(error)) throw error;
    return explain(error).join(" ");
  }
}

async function look(admin: Admin, signal: AbortSignal): Promise<Picture> {
  const [{ brokers }, listed, groups] = await Promise.all([
    admin.describeCluster({ signal }),
    admin.listTopics({ signal }),
    admin.listGroups({ signal }),
  ]);
  const names = listed.map(({ name }) => name);
  const topics = await admin.describeTopics(names, { signal });
  const committed = await Promise.all(
    groups
      .slice(0, GROUPS_MAX)
      .map(async (group) => ({ ...group, offsets: await admin.listGroupOffsets(group.groupId, { signal }) })),
  );
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.map(({ partition }) => ({ topic: name, partition, spec: "latest" as const })),
  );
  const offsets = await admin.listOffsets(partitions, { signal });
  const byPartition = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
  const ends = new Map<string, number>();
  for (const { topic, offset } of offsets) ends.set(topic, (ends.get(topic) ?? 0) + offset);
  return {
    atMs: Date.now(),
    brokers: brokers.length,
    ends,
    groups: committed.map(({ groupId, state, offsets: own }) => ({
      groupId,
      state,
      lag: own.reduce(
        (sum, { topic, partition, offset }) =>
          sum + Math.max(0, (byPartition.get(`${topic}-${partition}`) ?? offset) - offset),
        0,
      ),
    })),
  };
}

function rowsOf(now: Picture, before: Picture | null) {
  const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1_000;
  return [...now.ends]
    .map(([topic, records]) => {
      const last = before?.ends.get(topic);
      return {
        topic,
        records,
        recordsPerSecond: last === undefined || seconds <= 0 ? null : (records - last) / seconds,
      };
    })
    .sort((a, b) => (b.recordsPerSecond ?? 0) - (a.recordsPerSecond ?? 0) || b.records - a.records);
}

function toJson(now: Picture | string, before: Picture | null) {
  if (typeof now === "string") return { atMs: Date.now(), error: now };
  return { atMs: now.atMs, brokers: now.brokers, topics: rowsOf(now, before), groups: now.groups };
}

function draw(now: Picture | string, before: Picture | null): string {
  if (typeof now === "string") return `${timeOf(Date.now())}  ${now} Trying again.\n`;
  const height = Math.max(4, Math.floor(((process.stdout.rows ?? 40) - 8) / 2));
  const rows = rowsOf(now, before);
  const rate = rows.reduce((sum, { recordsPerSecond }) => sum + (recordsPerSecond ?? 0), 0);
  const topics = rows.slice(0, height).map((row) => ({
    ...row,
    recordsPerSecond: row.recordsPerSecond === null ? "-" : row.recordsPerSecond.toFixed(1),
  }));
  const groups = [...now.groups].sort((a, b) => b.lag - a.lag).slice(0, height);
  return [
    `${timeOf(now.atMs)}  ${now.brokers} broker(s), ${rows.length} topic(s), ${now.groups.length} group(s), ${rate.toFixed(1)} records/s written`,
    "",
    formatTable(topics, { topic: "TOPIC", records: "NEXT OFFSETS", recordsPerSecond: "WRITTEN/S" }),
    "",
    formatTable(groups, { groupId: "GROUP", state: "STATE", lag: "LAG" }),
    "",
  ].join("\n");
}

function timeOf(atMs: number): string {
  return new Date(atMs).toLocaleTimeString("en-GB");
}
