import type { LogDir, TopicDescription } from "@ottla/admin";
import { computed, signal } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { type GroupLag, lagsOf } from "./lag.ts";
import { clusterState } from "./overview.ts";
import { Poller, resultsWithout } from "./polled.ts";

/** What the list of topics and the overview are made of. */
export interface TopicFacts {
  readonly topics: readonly TopicDescription[];
  readonly logDirs: readonly LogDir[];
  /** Bytes by topic, all replicas together. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Large clusters answer in megabytes: the longer the list, the less often it is asked for. */
const TOPICS_INTERVAL_MS = 5_000;
const GROUPS_INTERVAL_MS = 4_000;

/** Every broker is asked; one that has died answers no more, until it is fenced. */
export const LOG_DIRS_TIMEOUT_MS = 3_000;

/** Lags of more groups are looked up where one opens them. */
const GROUPS_WITH_LAG_MAX = 100;

/** Describing more topics at once would hold up the page and the broker. */
const DESCRIBED_AT_ONCE = 1_000;

export const topicFacts = new Poller<TopicFacts>(async (aborted) => {
  const listed = await admin.listTopics({ includeInternal: true, signal: aborted });
  const topics: TopicDescription[] = [];
  for (let at = 0; at < listed.length; at += DESCRIBED_AT_ONCE) {
    const names = listed.slice(at, at + DESCRIBED_AT_ONCE).map(({ name }) => name);
    topics.push(...(await resultsWithout(admin.describeTopics(names, { signal: aborted }))));
  }
  const logDirs = await resultsWithout(admin.describeLogDirs({ signal: aborted, timeoutMs: LOG_DIRS_TIMEOUT_MS }));
  return { topics, logDirs, sizes: sizesOf(logDirs) };
}, TOPICS_INTERVAL_MS);

function sizesOf(logDirs: readonly LogDir[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { replicas } of logDirs) {
    for (const { topic, sizeBytes } of replicas) sizes.set(topic, (sizes.get(topic) ?? 0) + sizeBytes);
  }
  return sizes;
}

/** A group as lists show it. */
export interface GroupFacts {
  readonly groupId: string;
  readonly state: string;
  readonly type: string;
  readonly protocolType: string;
  readonly membersCount: number;
  readonly topics: readonly string[];
  /** Null while it is not looked up. */
  readonly lag: number | null;
}

export const groupFacts = new Poller<readonly GroupFacts[]>(async (signal) => {
  const listed = await admin.listGroups({ signal });
  const described = new Map(
    (
      await resultsWithout(
        admin.describeGroups(
          listed.map(({ groupId }) => groupId),
          { signal },
        ),
      )
    ).map((group) => [group.groupId, group]),
  );
  const withLag = listed.slice(0, GROUPS_WITH_LAG_MAX).map(({ groupId }) => groupId);
  const lags = new Map((await lagsOf(withLag, signal)).map((lag) => [lag.groupId, lag]));
  remember([...lags.values()]);
  return listed.map((group) => {
    const members = described.get(group.groupId)?.members ?? [];
    const lag = lags.get(group.groupId);
    const topics = new Set([
      ...members.flatMap(({ subscribedTopics }) => subscribedTopics),
      ...(lag?.partitions ?? []).map(({ topic }) => topic),
    ]);
    return { ...group, membersCount: members.length, topics: [...topics].sort(), lag: lag?.total ?? null };
  });
}, GROUPS_INTERVAL_MS);

/** Lag of groups over the time that the page is open, oldest first. */
export const lagHistory = signal<ReadonlyMap<string, readonly { readonly atMs: number; readonly lag: number }[]>>(
  new Map(),
);
const HISTORY_KEPT = 150;

function remember(lags: readonly GroupLag[]): void {
  const atMs = Date.now();
  lagHistory.value = new Map(
    lags.map(({ groupId, total }) => [
      groupId,
      [...(lagHistory.peek().get(groupId) ?? []), { atMs, lag: total }].slice(-HISTORY_KEPT),
    ]),
  );
}

/** The cluster in a few figures. */
export interface ClusterSummary {
  readonly isLoaded: boolean;
  readonly topics: number;
  readonly partitions: number;
  /** Brokers that are registered and take no part. */
  readonly fenced: readonly number[];
  readonly underReplicated: readonly string[];
  readonly offline: readonly string[];
  readonly storedBytes: number;
  readonly usableBytes: number;
  readonly totalBytes: number;
  /** Log directories whose disk tells of itself; none in memory. */
  readonly disks: readonly { readonly broker: number; readonly path: string; readonly freeShare: number }[];
  readonly groups: readonly GroupFacts[];
  /** Groups whose lag has grown for a while. */
  readonly fallingBehind: readonly { readonly groupId: string; readonly lag: number; readonly grownBy: number }[];
}

const summary = computed<ClusterSummary>(() => {
  const facts = topicFacts.value.value;
  const topics = facts?.topics ?? [];
  const partitions = topics.flatMap((topic) =>
    topic.partitions.map((partition) => ({ topic: topic.name, ...partition })),
  );
  const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
    `${topic}-${partition}`;
  const dirs = facts?.logDirs ?? [];
  return {
    isLoaded: facts !== undefined && groupFacts.value.value !== undefined,
    topics: topics.filter(({ isInternal }) => !isInternal).length,
    partitions: partitions.length,
    fenced: (clusterState.value.value?.brokers ?? []).filter(({ isFenced }) => isFenced).map(({ id }) => id),
    underReplicated: partitions
      .filter(({ replicas, inSyncReplicas }) => inSyncReplicas.length < replicas.length)
      .map(nameOf),
    offline: partitions.filter(({ leader }) => leader < 0).map(nameOf),
    storedBytes: dirs.reduce((sum, { replicas }) => sum + replicas.reduce((of, { sizeBytes }) => of + sizeBytes, 0), 0),
    usableBytes: dirs.reduce((sum, { usableBytes }) => sum + Math.max(0, usableBytes), 0),
    totalBytes: dirs.reduce((sum, { totalBytes }) => sum + Math.max(0, totalBytes), 0),
    disks: dirs
      .filter(({ totalBytes }) => totalBytes > 0)
      .map(({ broker, path, usableBytes, totalBytes }) => ({ broker, path, freeShare: usableBytes / totalBytes })),
    groups: groupFacts.value.value ?? [],
    fallingBehind: fallingBehind(),
  };
});

/** A lag that was never lower for this many readings in a row, and is more than it was, grows. */
const READINGS_OF_GROWTH = 5;

function fallingBehind() {
  return [...lagHistory.value].flatMap(([groupId, history]) => {
    const recent = history.slice(-READINGS_OF_GROWTH);
    const grownBy = (recent.at(-1)?.lag ?? 0) - (recent[0]?.lag ?? 0);
    const grows =
      recent.length === READINGS_OF_GROWTH && recent.every(({ lag }, at) => at === 0 || lag >= recent[at - 1]!.lag);
    return grows && grownBy > 0 ? [{ groupId, lag: recent.at(-1)!.lag, grownBy }] : [];
  });
}

export function useClusterSummary(): ClusterSummary {
  return summary.value;
}
