import {
  alterPartitionReassignmentsApi,
  ErrorCode,
  electLeadersApi,
  listPartitionReassignmentsApi,
  unregisterBrokerApi,
} from "@ottla/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";

describe("what operators of clusters ask, asked of a broker that is alone", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await TestBroker.start();
    await broker.createTopic("orders", 2);
  });
  afterAll(() => broker[Symbol.asyncDispose]());

  it("ElectLeaders: a partition that its preferred replica leads needs no election; one that is not there is named", async () => {
    const topicPartitions = [{ topic: "orders", partitions: [0, 9] }];
    const { replicaElectionResults } = await broker.client.send(electLeadersApi, 2, {
      electionType: 0,
      topicPartitions,
    });
    expect(replicaElectionResults).toMatchObject([
      {
        topic: "orders",
        partitionResult: [
          { partitionId: 0, errorCode: ErrorCode.ELECTION_NOT_NEEDED },
          { partitionId: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
        ],
      },
    ]);
  });

  it("AlterPartitionReassignments: a broker that is not there takes no replica; nothing is under way to be cancelled", async () => {
    const topics = [
      {
        name: "orders",
        partitions: [
          { partitionIndex: 0, replicas: [7] },
          { partitionIndex: 1, replicas: null },
        ],
      },
    ];
    const { errorCode, responses } = await broker.client.send(alterPartitionReassignmentsApi, 1, { topics });
    expect(errorCode).toBe(ErrorCode.NONE);
    expect(responses).toMatchObject([
      {
        name: "orders",
        partitions: [
          { partitionIndex: 0, errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT },
          { partitionIndex: 1, errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS },
        ],
      },
    ]);
  });

  it("UnregisterBroker: a broker that is alive is not forgotten", async () => {
    expect(await broker.client.send(unregisterBrokerApi, 0, { brokerId: 1 })).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
    });
  });

  it("UnregisterBroker: a broker that nobody knows cannot be forgotten", async () => {
    expect(await broker.client.send(unregisterBrokerApi, 0, { brokerId: 7 })).toMatchObject({
      errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
    });
  });

  it("ListPartitionReassignments: none is under way", async () => {
    expect(await broker.client.send(listPartitionReassignmentsApi, 0, { topics: null })).toMatchObject({
      errorCode: ErrorCode.NONE,
      topics: [],
    });
  });
});
