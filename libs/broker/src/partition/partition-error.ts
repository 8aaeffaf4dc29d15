import { ErrorCode, KafkaError } from "@ottla/protocol";
import { DiskError } from "@ottla/runtime";
import { AppendRejected, LogUnavailable, OffsetOutOfRange } from "@ottla/storage";

/** Kafka's error code for whatever an operation on a partition threw. */
export function errnoOf(error: unknown): number {
  if (error instanceof KafkaError) return error.errno;
  if (error instanceof AppendRejected || error instanceof OffsetOutOfRange || error instanceof LogUnavailable) {
    return error.errno;
  }
  if (error instanceof DiskError) return ErrorCode.KAFKA_STORAGE_ERROR;
  return ErrorCode.UNKNOWN_SERVER_ERROR;
}
