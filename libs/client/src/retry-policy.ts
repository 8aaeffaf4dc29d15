import { ErrorCode, KafkaError } from "@ottla/protocol/client";
import type { Random } from "@ottla/runtime";
import { backoffMs } from "@ottla/transport";
import type { ClientSettings } from "./options.ts";

/** Errors after which the client's view of the cluster is known to be old (Kafka's InvalidMetadataException). */
const STALE_METADATA: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.LISTENER_NOT_FOUND,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
  ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
]);

/** Errors after which a coordinator has to be looked up again. */
const LOST_COORDINATOR: ReadonlySet<number> = new Set([
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.BROKER_NOT_AVAILABLE, // it has left the cluster's metadata
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.REQUEST_TIMED_OUT,
]);

/** Whether an error code says that leaders or brokers are not where the client thought. */
export function isStaleMetadata(errno: number): boolean {
  return STALE_METADATA.has(errno);
}

/** Whether an error code says that the coordinator is not where the client thought. */
export function isLostCoordinator(errno: number): boolean {
  return LOST_COORDINATOR.has(errno);
}

/** Whether trying again may help. Errors of unknown make are defects: not retriable. */
export function isRetriable(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.retriable;
}

/** How long to wait after `failures` failures in a row before the next attempt, jitter included. */
export function retryBackoffMs(settings: ClientSettings, failures: number, random: Random): number {
  return backoffMs({ initialMs: settings.retryBackoffMs, maxMs: settings.retryBackoffMaxMs }, failures, random);
}
