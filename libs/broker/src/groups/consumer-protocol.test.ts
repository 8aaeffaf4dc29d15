import {
  apiVersionsApi,
  type ConsumerGroupHeartbeatRequest,
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  ErrorCode,
  findCoordinatorApi,
  incrementalAlterConfigsApi,
  offsetCommitApi,
} from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { startForTest } from "../test-support/start-for-test.ts";
import type { TestBrokerOptions } from "../test-support/test-broker.ts";

async function ready(options: TestBrokerOptions = {}) {
  const broker = await startForTest(options);
  const topicId = await broker.createTopic("t", 3);
  const client = broker.connect();
  await client.send(findCoordinatorApi, 0, { key: "g" });
  const heartbeat = (request: Partial<ConsumerGroupHeartbeatRequest>) =>
    client.send(consumerGroupHeartbeatApi, 1, { groupId: "g", memberId: "a", memberEpoch: 0, ...request });
  const join = (request: Partial<ConsumerGroupHeartbeatRequest> = {}) =>
    heartbeat({ rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["t"], topicPartitions: [], ...request });
  const describeGroup = async () =>
    (await client.send(consumerGroupDescribeApi, 1, { groupIds: ["g"], includeAuthorizedOperations: true })).groups[0]!;
  return { broker, client, topicId, heartbeat, join, describeGroup };
}

describe("the consumer protocol over the wire", () => {
  it("assigns, describes, follows a new topic that its expression matches, and ends", async () => {
    const { broker, topicId, heartbeat, join, describeGroup } = await ready();
    const joined = await join({ subscribedTopicNames: null, subscribedTopicRegex: "t|u", rackId: "r" });
    expect(joined).toMatchObject({ errorCode: 0, memberEpoch: 1, heartbeatIntervalMs: 5_000 });
    expect(joined.assignment!.topicPartitions).toEqual([{ topicId, partitions: [0, 1, 2] }]);
    const topicPartitions = [{ topicId, topicName: "t", partitions: [0, 1, 2] }];
    expect(await describeGroup()).toMatchObject({
      ...{ errorCode: 0, groupState: "Stable", groupEpoch: 1, assignmentEpoch: 1, assignorName: "uniform" },
      members: [{ memberId: "a", rackId: "r", memberEpoch: 1, assignment: { topicPartitions }, memberType: 1 }],
    });
    const other = await broker.createTopic("u", 1);
    const told = await heartbeat({ memberEpoch: 1 });
    expect(told.memberEpoch).toBe(2);
    expect(told.assignment!.topicPartitions).toContainEqual({ topicId: other, partitions: [0] });
    expect(await heartbeat({ memberEpoch: -1 })).toMatchObject({ errorCode: 0, memberEpoch: -1 });
    expect(await describeGroup()).toMatchObject({ groupState: "Empty", members: [] });
  });

  it("lets its members commit under their epoch", async () => {
    const { client, topicId, join } = await ready();
    await join();
    const commit = async (generationIdOrMemberEpoch: number) => {
      const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "" }];
      const request = { groupId: "g", memberId: "a", generationIdOrMemberEpoch, topics: [{ topicId, partitions }] };
      return (await client.send(offsetCommitApi, 10, request)).topics[0]!.partitions[0]!.errorCode;
    };
    expect(await commit(1)).toBe(0);
    expect(await commit(2)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  });

  it("follows the configs of the group", async () => {
    const { client, join } = await ready();
    const configs = [{ name: "consumer.heartbeat.interval.ms", configOperation: 0, value: "7000" }];
    const resources = [{ resourceType: 32, resourceName: "g", configs }];
    const altered = await client.send(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    expect(altered.responses[0]!.errorCode).toBe(0);
    expect((await join()).heartbeatIntervalMs).toBe(7_000);
  });

  it("makes no new assignment within the group's own assignment interval", async () => {
    const { client, join, describeGroup } = await ready();
    const configs = [{ name: "consumer.assignment.interval.ms", configOperation: 0, value: "15000" }];
    const resources = [{ resourceType: 32, resourceName: "g", configs }];
    const altered = await client.send(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    expect(altered.responses[0]!.errorCode).toBe(0);
    await join();
    await join({ memberId: "b" });
    expect(await describeGroup()).toMatchObject({ groupEpoch: 2, assignmentEpoch: 1, groupState: "Assigning" });
  });

  it("takes an expression that would be exponential elsewhere in linear time", async () => {
    const { broker, join } = await ready();
    const name = `${"a".repeat(240)}b`;
    const topicId = await broker.createTopic(name, 1);
    const evil = await join({ subscribedTopicNames: null, subscribedTopicRegex: "(a+)+c|(a*)*b" });
    expect(evil).toMatchObject({ errorCode: 0, assignment: { topicPartitions: [{ topicId, partitions: [0] }] } });
  });

  it.each([0, 1])("is served in version %i", async (version) => {
    const { client, topicId } = await ready();
    const request = { groupId: "g", memberId: "m", memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [] };
    const joined = await client.send(consumerGroupHeartbeatApi, version, { ...request, subscribedTopicNames: ["t"] });
    expect(joined).toMatchObject({ errorCode: 0, memberEpoch: 1 });
    expect(joined.assignment!.topicPartitions).toEqual([{ topicId, partitions: [0, 1, 2] }]);
    // From version 1 on the member brings its own id.
    const anonymous = { ...request, memberId: "", groupId: "h", subscribedTopicNames: ["t"] };
    const { errorCode, memberId } = await client.send(consumerGroupHeartbeatApi, version, anonymous);
    expect([errorCode, memberId !== ""]).toEqual(
      version === 0 ? [0, true] : [ErrorCode.INVALID_REQUEST, expect.anything()],
    );
    const described = await client.send(consumerGroupDescribeApi, version, {
      groupIds: ["g"],
      includeAuthorizedOperations: false,
    });
    expect(described.groups[0]).toMatchObject({ groupState: "Stable", members: [{ memberId: "m" }] });
    expect(described.groups[0]!.members[0]!.memberType).toBe(version === 0 ? -1 : 1);
  });

  it("is refused where the broker's config does not name it", async () => {
    const { client, join, describeGroup } = await ready({
      config: { "group.coordinator.rebalance.protocols": "classic" },
    });
    expect((await join()).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await describeGroup()).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    const versions = await client.send(apiVersionsApi, 4, { clientSoftwareName: "t", clientSoftwareVersion: "1" });
    expect(versions.finalizedFeatures).toContainEqual({
      name: "group.version",
      maxVersionLevel: 1,
      minVersionLevel: 1,
    });
  });
});
