import { ErrorCode } from "@ottla/protocol/client";
import { describe, expect, it } from "vitest";
import { isLostCoordinator, isStaleMetadata } from "./retry-policy.ts";

/** The errors that are an InvalidMetadataException in Apache Kafka's client, and those after which it asks for metadata all the same. */
const STALE = [
  ...["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER", "REPLICA_NOT_AVAILABLE"],
  ...["NETWORK_EXCEPTION", "KAFKA_STORAGE_ERROR", "LISTENER_NOT_FOUND", "FENCED_LEADER_EPOCH", "UNKNOWN_TOPIC_ID"],
  ...["INCONSISTENT_TOPIC_ID", "PREFERRED_LEADER_NOT_AVAILABLE", "ELIGIBLE_LEADERS_NOT_AVAILABLE"],
  ...["UNKNOWN_LEADER_EPOCH", "NOT_CONTROLLER"],
];

const LOST = [
  ...["NETWORK_EXCEPTION", "BROKER_NOT_AVAILABLE", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "REQUEST_TIMED_OUT"],
];

describe("what an error code says of the client's view of the cluster", () => {
  it.each(Object.entries(ErrorCode))("%s", (name, code) => {
    expect(isStaleMetadata(code), "metadata are asked for").toBe(STALE.includes(name));
    expect(isLostCoordinator(code), "the coordinator is looked up").toBe(LOST.includes(name));
  });
});
