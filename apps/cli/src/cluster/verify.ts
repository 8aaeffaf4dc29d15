import type { Admin } from "@ottla/admin";
import { ClusterClient } from "@ottla/client/internal";
import { type ConnectionOptions, connectionOf } from "../connection.ts";
import { EXIT_FAILED } from "../exit.ts";
import { byTopicAndPartition } from "../partition-order.ts";
import { startProgress } from "../progress.ts";
import { withAdmin } from "../with-admin.ts";
import { type ComparedPartition, type Comparison, compareReplicas } from "./compare-replicas.ts";

export interface VerifyOptions extends ConnectionOptions {
  readonly maxWait: number;
  readonly json?: boolean;
}

/** Partitions that are compared at the same time. */
const CONCURRENCY = 4;
const TOPICS_PER_REQUEST = 500;

/** Compares the replicas of all partitions of the topics, and says where they differ. */
export async function verifyCluster(topics: readonly string[], options: VerifyOptions): Promise<void> {
  const partitions = await withAdmin(options, (admin) => partitionsOf(admin, topics));
  const connection = await connectionOf(options);
  await using client = new ClusterClient(connection, {
    component: "ottla cluster verify",
    allowAutoTopicCreation: false,
  });
  await client.metadata.refresh(client.deadline("verify"));
  const progress = startProgress({ isShown: true, total: partitions.length, unit: "partitions" });
  const comparisons: Comparison[] = [];
  const waiting = partitions[Symbol.iterator]();
  const work = async () => {
    for (const partition of waiting) {
      const comparison = await compareReplicas(partition, { client, maxWaitMs: options.maxWait * 1_000 });
      comparisons.push(comparison);
      progress.update(comparisons.length);
      if (!options.json) for (const line of linesOf(comparison)) progress.write(`${line}\n`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work)).finally(() => progress.stop());
  const failed = comparisons.filter(({ problems }) => problems.length > 0);
  if (failed.length > 0) process.exitCode = EXIT_FAILED;
  process.stdout.write(
    options.json
      ? `${JSON.stringify(comparisons.toSorted(byTopicAndPartition), null, 2)}\n`
      : summary(comparisons, failed),
  );
}

async function partitionsOf(admin: Admin, topics: readonly string[]): Promise<ComparedPartition[]> {
  const names =
    topics.length > 0 ? topics : (await admin.listTopics({ includeInternal: true })).map(({ name }) => name);
  const described = await admin.describeTopics(names);
  const compacted = new Set<string>();
  for (let i = 0; i < names.length; i += TOPICS_PER_REQUEST) {
    const some = names.slice(i, i + TOPICS_PER_REQUEST);
    const queries = some.map((name) => ({ type: "topic" as const, name, keys: ["cleanup.policy"] }));
    for (const { name, entries } of await admin.describeConfigs(queries)) {
      if (entries[0]?.value?.includes("compact")) compacted.add(name);
    }
  }
  return described.flatMap(({ name, topicId, partitions }) =>
    partitions.map(({ partition, leader, replicas }) => {
      return { topic: name, topicId, partition, leader, replicas, isCompacted: compacted.has(name) };
    }),
  );
}

function linesOf({ topic, partition, problems }: Comparison): string[] {
  return problems.map(({ brokerId, kind, message }) => {
    const replica = brokerId < 0 ? "" : ` the replica of broker ${brokerId}`;
    return `${topic}-${partition}:${replica} ${kind === "behind" || kind === "differs" ? kind : `is ${kind}`}: ${message}`;
  });
}

function summary(comparisons: readonly Comparison[], failed: readonly Comparison[]): string {
  const offsets = comparisons.reduce((sum, { fromOffset, endOffset }) => sum + endOffset - fromOffset, 0);
  const bytes = comparisons.reduce((sum, { readBytes }) => sum + readBytes, 0);
  const compared = `${comparisons.length} partitions, ${offsets} offsets, ${bytes} bytes compared with their leaders'`;
  return failed.length === 0
    ? `${compared}: all replicas agree\n`
    : `${compared}: ${failed.length} partitions have replicas that do not agree or cannot be read\n`;
}
