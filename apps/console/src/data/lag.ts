import { admin } from "../app/cluster.ts";
import { resultsWithout } from "./polled.ts";

/** How far a group is behind in one partition. */
export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number;
  readonly end: number;
  /** Records between what is committed and the end. */
  readonly lag: number;
}

export interface GroupLag {
  readonly groupId: string;
  readonly total: number;
  readonly partitions: readonly PartitionLag[];
}

/** Looks up what groups have committed, and the ends of those partitions, all of them at once. */
export async function lagsOf(groupIds: readonly string[], signal: AbortSignal): Promise<GroupLag[]> {
  const committed = await Promise.all(
    groupIds.map(async (groupId) => ({
      groupId,
      offsets: await admin.listGroupOffsets(groupId, { signal }).catch(() => []),
    })),
  );
  const ends = await endsOf(
    committed.flatMap(({ offsets }) => offsets),
    signal,
  );
  return committed.map(({ groupId, offsets }) => {
    const partitions = offsets.flatMap(({ topic, partition, offset }): PartitionLag[] => {
      const end = ends.get(`${topic}-${partition}`);
      if (end === undefined || offset < 0) return [];
      return [{ topic, partition, committed: offset, end, lag: Math.max(0, end - offset) }];
    });
    return { groupId, partitions, total: partitions.reduce((sum, { lag }) => sum + lag, 0) };
  });
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** Ends of partitions; those of topics that are gone are absent. */
export async function endsOf(partitions: readonly Partition[], signal?: AbortSignal): Promise<Map<string, number>> {
  return await offsetsOf(partitions, "latest", signal);
}

export async function offsetsOf(
  partitions: readonly Partition[],
  spec: "earliest" | "latest" | { readonly timestampMs: number },
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const wanted = new Map(
    partitions.map(({ topic, partition }) => [`${topic}-${partition}`, { topic, partition, spec }]),
  );
  const options = signal === undefined ? {} : { signal };
  const found = await resultsWithout(admin.listOffsets([...wanted.values()], options));
  return new Map(found.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
}
