import {
  describeGroupsApi,
  ErrorCode,
  findCoordinatorApi,
  joinGroupApi,
  leaveGroupApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  syncGroupApi,
} from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";

const OK = ErrorCode.NONE;
const SEED = Number(process.env.OTTLA_TEST_SEED ?? 1);
const RANDOM_ROUNDS = 100;

const bytes = (...values: readonly number[]) => new Uint8Array(values);

/** What another client may hand to its assignor: counts and lengths that lie, cut texts, versions that nobody knows. */
const MALFORMED: readonly (readonly [what: string, metadata: Uint8Array])[] = [
  ["nothing", bytes()],
  ["half a version", bytes(0)],
  ["a version alone", bytes(0, 1)],
  ["two thousand million topics", bytes(0, 1, 0x7f, 0xff, 0xff, 0xff)],
  ["minus two topics", bytes(0, 1, 0xff, 0xff, 0xff, 0xfe)],
  ["a topic longer than all", bytes(0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0x61)],
  ["a topic of minus seven characters", bytes(0, 1, 0, 0, 0, 1, 0xff, 0xf9)],
  ["a topic that is no UTF-8", bytes(0, 1, 0, 0, 0, 1, 0, 2, 0xc3, 0x28, 0xff, 0xff, 0xff, 0xff)],
  ["user data longer than all", bytes(0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff)],
  ["a version of the future", bytes(0x7f, 0xff, 0, 0, 0, 1, 0, 1, 0x74)],
  ["a negative version", bytes(0x80, 0, 0, 0, 0, 1, 0, 1, 0x74)],
];

let test: TestBroker;

beforeAll(async () => {
  test = await TestBroker.start();
  await test.createTopic("t", 1);
  await test.client.send(findCoordinatorApi, 0, { key: "g" });
});
afterAll(() => test[Symbol.asyncDispose]());

async function join(metadata: Uint8Array) {
  const request = { groupId: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: "consumer" };
  const protocols = [{ name: "range", metadata }];
  const asked = await test.client.send(joinGroupApi, 5, { ...request, memberId: "", protocols });
  const joining = test.client.send(joinGroupApi, 5, { ...request, memberId: asked.memberId, protocols });
  await test.runtime.advance(3_000);
  return await joining;
}

/** A whole life of a group whose only member hands these bytes to its assignor, and as its assignment. */
async function live(metadata: Uint8Array): Promise<void> {
  const { errorCode, memberId, generationId, members } = await join(metadata);
  expect(errorCode).toBe(OK);
  expect(members[0]!.metadata).toEqual(metadata);
  const assignments = [{ memberId, assignment: metadata }];
  const synced = await test.client.send(syncGroupApi, 3, { groupId: "g", generationId, memberId, assignments });
  expect([synced.errorCode, synced.assignment]).toEqual([OK, metadata]);
  const partitions = [{ partitionIndex: 0, committedOffset: 3, committedMetadata: "" }];
  const commit = {
    groupId: "g",
    generationIdOrMemberEpoch: generationId,
    memberId,
    topics: [{ name: "t", partitions }],
  };
  const committed = await test.client.send(offsetCommitApi, 5, commit);
  expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(OK);
  const { groups } = await test.client.send(describeGroupsApi, 5, { groups: ["g"] });
  expect(groups[0]).toMatchObject({ errorCode: OK, groupState: "Stable" });
  // Whether somebody subscribes to the topic cannot be told for sure: the answer is Kafka's either way.
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
  const deleted = await test.client.send(offsetDeleteApi, 0, { groupId: "g", topics });
  expect([OK, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]).toContain(deleted.topics[0]!.partitions[0]!.errorCode);
  const left = await test.client.send(leaveGroupApi, 3, { groupId: "g", members: [{ memberId }] });
  expect(left.members[0]!.errorCode).toBe(OK);
}

describe("members that speak rubbish to their assignor", () => {
  it.each(MALFORMED)("%s", async (_, metadata) => {
    await live(metadata);
  });

  it(`anything (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < RANDOM_ROUNDS; round++) {
      await live(
        Uint8Array.from({ length: random.nextInt(60) }, () => random.nextInt(random.nextInt(4) === 0 ? 256 : 3)),
      );
    }
  });

  it("leave the group as good as it was", async () => {
    const { errorCode } = await join(bytes(0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff));
    expect(errorCode).toBe(OK);
    const fetched = await test.client.send(offsetFetchApi, 8, { groups: [{ groupId: "g", topics: null }] });
    expect(fetched.groups[0]!.errorCode).toBe(OK);
  });
});
