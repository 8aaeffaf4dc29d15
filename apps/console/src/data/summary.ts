import type { LogDir, TopicDescription } from "@ottla/admin";
import { type UnderReplicated, underReplicatedDuring } from "@ottla/admin/internal";
import { computed } from "@preact/signals";
import { admin } from "../app/cluster.ts";
import { readPerSecond, type SeenLag, seenAgain, sumOfReads } from "./group-reads.ts";
import { Turns } from "./in-turns.ts";
import { lagsOf } from "./lag.ts";
import { forgetLagsBut, type GrowingLag, growingLags, lagHistory, rememberLags } from "./lag-history.ts";
import { clusterState } from "./overview.ts";
import { Poller, resultsWithout } from "./polled.ts";

/** What the list of topics and the overview are made of. */
export interface TopicFacts {
  readonly topics: readonly TopicDescription[];
  readonly logDirs: readonly LogDir[];
  /** Bytes by topic, all replicas together. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly isUnderReplicated: UnderReplicated;
}

/** Large clusters answer in megabytes: the longer the list, the less often it is asked for. */
const TOPICS_INTERVAL_MS = 5_000;
const GROUPS_INTERVAL_MS = 4_000;

/** Every broker is asked; one that has died answers no more, until it is fenced. */
export const LOG_DIRS_TIMEOUT_MS = 3_000;

/** Only the controller knows of reassignments, and there may be none. */
const REASSIGNMENTS_TIMEOUT_MS = 3_000;

/** Of more groups the lags are looked up in turns, so many at a time: what a page costs does not grow with them. */
const LAGS_AT_A_TIME = 100;

/** Describing more topics at once would hold up the page and the broker. */
const DESCRIBED_AT_ONCE = 1_000;

export const topicFacts = new Poller<TopicFacts>(async (aborted) => {
  // Begun first, so that a move which ends meanwhile does not look like replicas that are missed.
  const reassignments = admin
    .listPartitionReassignments({ signal: aborted, timeoutMs: REASSIGNMENTS_TIMEOUT_MS })
    .catch(() => []);
  const listed = await admin.listTopics({ includeInternal: true, signal: aborted });
  const topics: TopicDescription[] = [];
  for (let at = 0; at < listed.length; at += DESCRIBED_AT_ONCE) {
    const names = listed.slice(at, at + DESCRIBED_AT_ONCE).map(({ name }) => name);
    topics.push(...(await resultsWithout(admin.describeTopics(names, { signal: aborted }))));
  }
  const logDirs = await resultsWithout(admin.describeLogDirs({ signal: aborted, timeoutMs: LOG_DIRS_TIMEOUT_MS }));
  const isUnderReplicated = underReplicatedDuring(await reassignments);
  return { topics, logDirs, sizes: sizesOf(logDirs), isUnderReplicated };
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
  /** Null until it has been looked up. */
  readonly lag: number | null;
  /** Records that it commits per second; undefined until it has been looked up twice. */
  readonly recordsPerSecond: number | undefined;
}

const turns = new Turns();
let seenLags: ReadonlyMap<string, SeenLag> = new Map();

/** Looks up the lags of those groups whose turn it is; of the others it gives what was seen last. */
async function lagsInTurns(groupIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SeenLag>> {
  const looked = await lagsOf(turns.next(groupIds, LAGS_AT_A_TIME), signal);
  const atMs = Date.now();
  const fresh = new Map(looked.map((lag) => [lag.groupId, seenAgain(seenLags.get(lag.groupId), lag, atMs)]));
  seenLags = new Map(
    groupIds.flatMap((groupId): [string, SeenLag][] => {
      const seen = fresh.get(groupId) ?? seenLags.get(groupId);
      return seen === undefined ? [] : [[groupId, seen]];
    }),
  );
  rememberLags(looked, atMs);
  forgetLagsBut(groupIds);
  readPerSecond.value = sumOfReads(seenLags.values());
  return seenLags;
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
  const lags = await lagsInTurns(
    listed.map(({ groupId }) => groupId),
    signal,
  );
  return listed.map((group) => {
    const members = described.get(group.groupId)?.members ?? [];
    const lag = lags.get(group.groupId);
    const topics = new Set([
      ...members.flatMap(({ subscribedTopics }) => subscribedTopics),
      ...(lag?.partitions ?? []).map(({ topic }) => topic),
    ]);
    return {
      ...group,
      membersCount: members.length,
      topics: [...topics].sort(),
      lag: lag?.total ?? null,
      recordsPerSecond: lag?.recordsPerSecond,
    };
  });
}, GROUPS_INTERVAL_MS);

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
  readonly fallingBehind: readonly GrowingLag[];
}

const summary = computed<ClusterSummary>(() => {
  const facts = topicFacts.value.value;
  const topics = facts?.topics ?? [];
  const partitions = topics.flatMap((topic) =>
    topic.partitions.map((partition) => ({ topic: topic.name, ...partition })),
  );
  const isUnderReplicated = facts?.isUnderReplicated ?? (() => false);
  const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }) =>
    `${topic}-${partition}`;
  const dirs = facts?.logDirs ?? [];
  return {
    isLoaded: facts !== undefined && groupFacts.value.value !== undefined,
    topics: topics.filter(({ isInternal }) => !isInternal).length,
    partitions: partitions.length,
    fenced: (clusterState.value.value?.brokers ?? []).filter(({ isFenced }) => isFenced).map(({ id }) => id),
    underReplicated: partitions.filter((partition) => isUnderReplicated(partition.topic, partition)).map(nameOf),
    offline: partitions.filter(({ leader }) => leader < 0).map(nameOf),
    storedBytes: dirs.reduce((sum, { replicas }) => sum + replicas.reduce((of, { sizeBytes }) => of + sizeBytes, 0), 0),
    usableBytes: dirs.reduce((sum, { usableBytes }) => sum + Math.max(0, usableBytes), 0),
    totalBytes: dirs.reduce((sum, { totalBytes }) => sum + Math.max(0, totalBytes), 0),
    disks: dirs
      .filter(({ totalBytes }) => totalBytes > 0)
      .map(({ broker, path, usableBytes, totalBytes }) => ({ broker, path, freeShare: usableBytes / totalBytes })),
    groups: groupFacts.value.value ?? [],
    fallingBehind: growingLags(lagHistory.value),
  };
});

export function useClusterSummary(): ClusterSummary {
  return summary.value;
}
