import { type ClusterClient, invalidArgument } from "@ottla/client/internal";
import { deleteRecordsApi } from "@ottla/protocol";
import { askLeaders } from "./leaders.ts";
import { resultsOf } from "./partial-failure.ts";
import type { BulkOptions } from "./progress.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";

/** Up to where the records of a partition are to be deleted. */
export interface RecordsDeletion extends TopicPartition {
  /** The first offset to keep; `"latest"` deletes all that consumers can read. */
  readonly beforeOffset: number | "latest";
}

/** A partition after the deletion. */
export interface DeletedRecords extends TopicPartition {
  /** Its log start offset now. */
  readonly lowWatermark: number;
}

/** What the request says in place of an offset for "up to the high watermark". */
const HIGH_WATERMARK = -1;

export async function deleteRecords(
  client: ClusterClient,
  deletions: readonly RecordsDeletion[],
  { onProgress, ...call }: BulkOptions,
): Promise<DeletedRecords[]> {
  for (const { beforeOffset } of deletions) checkOffset(beforeOffset);
  const deadline = client.deadline("deleteRecords", call);
  const timeoutMs = client.settings.requestTimeoutMs;
  const answers = await askLeaders<RecordsDeletion, DeletedRecords>(
    client,
    deletions,
    deadline,
    async (broker, ofLeader, options) => {
      const topics = byTopic(ofLeader).map(({ name, items }) => ({
        name,
        partitions: items.map(({ partition, beforeOffset }) => ({
          partitionIndex: partition,
          offset: beforeOffset === "latest" ? HIGH_WATERMARK : beforeOffset,
        })),
      }));
      const response = await client.ask({ broker }, deleteRecordsApi, { topics, timeoutMs }, options);
      return response.topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, errorCode, lowWatermark }) => {
          return { topic, partition, errorCode, result: { topic, partition, lowWatermark } };
        }),
      );
    },
    (completed) => onProgress?.({ completed, total: deletions.length }),
  );
  return resultsOf(
    "deleteRecords",
    answers,
    (answer) => ({ resource: partitionName(answer), ...answer }),
    ({ result }) => result!,
  );
}

/** What is no offset would be sent as 0, and delete nothing without a word. */
function checkOffset(beforeOffset: unknown): void {
  if (beforeOffset === "latest" || Number.isSafeInteger(beforeOffset)) return;
  throw invalidArgument(`beforeOffset is ${String(beforeOffset)}; it must be an offset or "latest".`);
}
