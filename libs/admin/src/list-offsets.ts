import { type ClusterClient, describe, invalidArgument } from "@ottla/client/internal";
import { listOffsetsApi } from "@ottla/protocol";
import { askLeaders, type LeaderAnswer } from "./leaders.ts";
import { resultsOf } from "./partial-failure.ts";
import type { BulkOptions } from "./progress.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";
import { requireVersion } from "./unsupported.ts";

/**
 * Which offset:
 * - `"earliest"`: the first one that is there; `"latest"`: the one after the last one
 * - `"maxTimestamp"`: that of the record with the highest timestamp (KIP-734)
 * - `"earliestLocal"`: the first one on the broker's own disk; `"latestTiered"`: the last one in remote storage (KIP-1005);
 *   `"earliestPendingUpload"`: the first one that is still to go there (KIP-1023). Without tiered storage Kafka says
 *   "earliest" to the first, and -1 to the others
 * - `{ timestampMs }`: the first one at or after a time
 */
export type OffsetSpec =
  | "earliest"
  | "latest"
  | "maxTimestamp"
  | "earliestLocal"
  | "latestTiered"
  | "earliestPendingUpload"
  | { readonly timestampMs: number };

/** A question for one offset of one partition. */
export interface OffsetQuery extends TopicPartition {
  /** The end that is asked for, or a time in milliseconds since the epoch. */
  readonly spec: OffsetSpec;
}

/** The answer to one. */
export interface FoundOffset extends TopicPartition {
  /** -1 when no record fits: an empty partition, or none at or after the time. */
  readonly offset: number;
  /** The record's timestamp for `maxTimestamp` and times; else -1. */
  readonly timestampMs: number;
  /** -1 if unknown. */
  readonly leaderEpoch: number;
}

/** How offsets are looked for. */
export interface ListOffsetsOptions extends BulkOptions {
  /** `"read_committed"`: `latest` is the last stable offset. Default `"read_uncommitted"`. */
  readonly isolationLevel?: "read_uncommitted" | "read_committed";
}

/** Kafka's numbers for what is no time, and the version of ListOffsets that first knows each. */
const SPECS = {
  latest: { timestamp: -1, minVersion: 1 },
  earliest: { timestamp: -2, minVersion: 1 },
  maxTimestamp: { timestamp: -3, minVersion: 7 },
  earliestLocal: { timestamp: -4, minVersion: 8 },
  latestTiered: { timestamp: -5, minVersion: 9 },
  earliestPendingUpload: { timestamp: -6, minVersion: 11 },
} as const;

const NORMAL_CONSUMER = -1;

/** Asks the leaders. Gives the offsets in the order of the queries. */
export async function listOffsets(
  client: ClusterClient,
  queries: readonly OffsetQuery[],
  { isolationLevel = "read_uncommitted", onProgress, ...call }: ListOffsetsOptions,
): Promise<FoundOffset[]> {
  for (const { spec } of queries) checkIsSpec(spec);
  if (isolationLevel !== "read_uncommitted" && isolationLevel !== "read_committed") {
    const given = describe(isolationLevel);
    throw invalidArgument(`isolationLevel is ${given}; it must be one of read_uncommitted, read_committed.`);
  }
  const deadline = client.deadline("listOffsets", call);
  const total = queries.length;
  const answers = await askLeaders<OffsetQuery, FoundOffset>(
    client,
    queries,
    deadline,
    async (broker, ofLeader, options) => {
      const request = requestOf(ofLeader, isolationLevel);
      const body = (version: number) => {
        for (const { spec } of ofLeader) checkSpec(spec, version);
        return request;
      };
      const { topics } = await client.ask({ broker }, listOffsetsApi, body, options);
      return topics.flatMap(({ name, partitions }) => partitions.map((partition) => toAnswer(name, partition)));
    },
    (completed) => onProgress?.({ completed, total }),
  );
  return resultsOf(
    "listOffsets",
    answers,
    (answer) => ({ resource: partitionName(answer), ...answer }),
    ({ result }) => result!,
  );
}

function requestOf(queries: readonly OffsetQuery[], isolationLevel: "read_uncommitted" | "read_committed") {
  return {
    replicaId: NORMAL_CONSUMER,
    isolationLevel: isolationLevel === "read_committed" ? 1 : 0,
    topics: byTopic(queries).map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition, spec }) => ({ partitionIndex: partition, timestamp: timestampOf(spec) })),
    })),
  };
}

function checkIsSpec(spec: OffsetSpec): void {
  if (typeof spec === "string" ? Object.hasOwn(SPECS, spec) : Number.isSafeInteger(spec?.timestampMs)) return;
  const words = Object.keys(SPECS).join(", ");
  const given =
    typeof spec === "object" && spec !== null ? `{ timestampMs: ${describe(spec.timestampMs)} }` : describe(spec);
  throw invalidArgument(`spec is ${given}; it must be one of ${words}, or { timestampMs }.`);
}

function checkSpec(spec: OffsetSpec, version: number): void {
  if (typeof spec !== "string") return;
  requireVersion(`The offset "${spec}"`, listOffsetsApi, version, SPECS[spec].minVersion);
}

function timestampOf(spec: OffsetSpec): number {
  return typeof spec === "string" ? SPECS[spec].timestamp : spec.timestampMs;
}

function toAnswer(
  topic: string,
  found: {
    readonly partitionIndex: number;
    readonly errorCode: number;
    readonly offset: number;
    readonly timestamp: number;
    readonly leaderEpoch: number;
  },
): LeaderAnswer<FoundOffset> {
  const { partitionIndex: partition, errorCode, offset, timestamp: timestampMs, leaderEpoch } = found;
  return { topic, partition, errorCode, result: { topic, partition, offset, timestampMs, leaderEpoch } };
}
