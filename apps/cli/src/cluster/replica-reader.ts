import type { ClusterClient } from "@ottla/client/internal";
import { ErrorCode, fetchApi, KafkaError } from "@ottla/protocol";
import { baseOffsetAt, checkBatchIntegrity, crcAt, forEachBatch, lastOffsetAt } from "@ottla/protocol/internal";

/** Kafka's replica id of those who look at replicas: any replica answers them, and takes them for no follower. */
const DEBUGGING_CONSUMER_ID = -2;
const NAMED_BY_ID_FROM_VERSION = 13;
const REPLICA_STATE_FROM_VERSION = 15;
const FETCH_BYTES = 1024 * 1024;
const WAIT_MS = 500;
const REQUEST_TIMEOUT_MS = 15_000;

/** One batch of a replica, as it lies there. */
export interface ReplicaBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** What its header says; whether the bytes agree is in `damage`. */
  readonly crc: number;
  /** What is wrong with its bytes, if anything is. */
  readonly damage: string | null;
  readonly sizeBytes: number;
  /** The bytes in which it lies, and where. */
  readonly bytes: Uint8Array;
  readonly position: number;
}

export interface ReplicaTarget {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly brokerId: number;
}

/** What a replica answered. */
export interface ReplicaChunk {
  readonly batches: readonly ReplicaBatch[];
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

/**
 * Reads the batches of one replica, from the broker that holds it.
 * @throws KafkaError what the broker answers, OFFSET_OUT_OF_RANGE among it
 */
export async function readReplica(client: ClusterClient, target: ReplicaTarget, offset: number): Promise<ReplicaChunk> {
  const { topic, topicId, partition, brokerId } = target;
  const body = (version: number) => ({
    ...(version < REPLICA_STATE_FROM_VERSION
      ? { replicaId: DEBUGGING_CONSUMER_ID }
      : { replicaState: { replicaId: DEBUGGING_CONSUMER_ID, replicaEpoch: -1 } }),
    maxWaitMs: WAIT_MS,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    isolationLevel: 0,
    topics: [
      {
        ...(version < NAMED_BY_ID_FROM_VERSION ? { topic } : { topicId }),
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }],
      },
    ],
    forgottenTopicsData: [],
  });
  const options = { requestTimeoutMs: REQUEST_TIMEOUT_MS, timeoutMs: REQUEST_TIMEOUT_MS, retry: false };
  const { responses } = await client.ask({ broker: brokerId }, fetchApi, body, options);
  const answer = responses[0]?.partitions[0];
  if (answer === undefined) return { batches: [], highWatermark: -1, logStartOffset: -1 };
  const { errorCode, highWatermark, logStartOffset, records } = answer;
  if (errorCode === ErrorCode.OFFSET_NOT_AVAILABLE) return { batches: [], highWatermark: -1, logStartOffset: -1 };
  if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode, `broker ${brokerId}`);
  return { batches: batchesOf(records ?? new Uint8Array(0)), highWatermark, logStartOffset };
}

function batchesOf(bytes: Uint8Array): ReplicaBatch[] {
  const batches: ReplicaBatch[] = [];
  forEachBatch(bytes, (position, sizeBytes) => {
    batches.push({
      baseOffset: baseOffsetAt(bytes, position),
      lastOffset: lastOffsetAt(bytes, position),
      crc: crcAt(bytes, position),
      damage: checkBatchIntegrity(bytes, position)?.message ?? null,
      sizeBytes,
      bytes,
      position,
    });
  });
  return batches;
}
