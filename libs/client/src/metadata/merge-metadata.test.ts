import { ErrorCode, type MetadataResponse } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import { type ClusterView, EMPTY_CLUSTER_VIEW } from "./cluster-view.ts";
import { addBrokers, applyLeaderHints, mergeMetadata } from "./merge-metadata.ts";

const BOOTSTRAP = { host: "first", port: 9092 };
const ID = "AAAAAAAAAAAAAAAAAAAAAQ";
const OTHER_ID = "AAAAAAAAAAAAAAAAAAAAAg";

interface Given {
  readonly errorCode?: number;
  readonly name?: string;
  readonly topicId?: string;
  /** Leader and epoch of each partition. */
  readonly leaders?: readonly (readonly [leader: number, epoch: number])[];
}

function response(...topics: Given[]): MetadataResponse {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    clusterAuthorizedOperations: 0,
    brokers: [1, 2].map((nodeId) => ({ nodeId, host: `b${nodeId}`, port: 9092, rack: null, url: null })),
    clusterId: "cluster",
    controllerId: 1,
    topics: topics.map(({ errorCode = 0, name = "orders", topicId = ID, leaders = [] }) => ({
      errorCode,
      name,
      topicId,
      isInternal: false,
      topicAuthorizedOperations: 0,
      partitions: leaders.map(([leaderId, leaderEpoch], partitionIndex) => {
        const replicas = { replicaNodes: [1, 2], isrNodes: [1, 2], offlineReplicas: [] };
        return { errorCode: 0, partitionIndex, leaderId, leaderEpoch, ...replicas };
      }),
    })),
  };
}

function merge(previous: ClusterView, given: MetadataResponse, isWanted: (topic: string) => boolean = () => true) {
  return mergeMetadata(previous, given, BOOTSTRAP, isWanted);
}

function leadersOf(view: ClusterView, topic = "orders") {
  return view.topics.get(topic)?.partitions.map(({ leader, leaderEpoch }) => [leader, leaderEpoch]);
}

const BEFORE = merge(
  EMPTY_CLUSTER_VIEW,
  response({
    leaders: [
      [1, 5],
      [2, 5],
    ],
  }),
).view;

describe("merging a response into the view", () => {
  test("takes over brokers, topics and leaders", () => {
    expect([...BEFORE.brokers.values()].map(({ id, address }) => [id, address.host])).toEqual([
      [1, "b1"],
      [2, "b2"],
    ]);
    expect(leadersOf(BEFORE)).toEqual([
      [1, 5],
      [2, 5],
    ]);
    expect(BEFORE.topicsById.get(ID)).toBe(BEFORE.topics.get("orders"));
  });

  test("a partition does not go back to an older leader epoch", () => {
    expect(
      leadersOf(
        merge(
          BEFORE,
          response({
            leaders: [
              [2, 4],
              [1, 6],
            ],
          }),
        ).view,
      ),
    ).toEqual([
      [1, 5],
      [1, 6],
    ]);
  });

  test("unless the topic is another one of the same name", () => {
    const { view } = merge(BEFORE, response({ topicId: OTHER_ID, leaders: [[2, 0]] }));
    expect(leadersOf(view)).toEqual([[2, 0]]);
    expect(view.topicsById.has(ID)).toBe(false);
  });

  test("a broker that does not know epochs is believed", () => {
    expect(
      leadersOf(
        merge(
          BEFORE,
          response({
            leaders: [
              [2, -1],
              [2, -1],
            ],
          }),
        ).view,
      ),
    ).toEqual([
      [2, -1],
      [2, -1],
    ]);
  });

  test("a topic that is gone leaves the view, one without a leader for now stays", () => {
    const gone = merge(BEFORE, response({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }));
    expect(gone.view.topics.has("orders")).toBe(false);
    expect(gone.topicErrors.get("orders")).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const leaderless = merge(BEFORE, response({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE }));
    expect(leadersOf(leaderless.view)).toEqual([
      [1, 5],
      [2, 5],
    ]);
  });

  test("topics that the response does not speak of stay only if someone wants them", () => {
    const other = response({ name: "other", topicId: OTHER_ID, leaders: [[1, 0]] });
    expect([...merge(BEFORE, other).view.topics.keys()].sort()).toEqual(["orders", "other"]);
    expect([...merge(BEFORE, other, () => false).view.topics.keys()]).toEqual(["other"]);
  });
});

describe("leader hints", () => {
  const hint = { topic: "orders", partition: 0, leaderId: 2 };

  test("of a newer epoch are taken over", () => {
    const view = applyLeaderHints(BEFORE, [{ ...hint, leaderEpoch: 6 }]);
    expect(leadersOf(view)).toEqual([
      [2, 6],
      [2, 5],
    ]);
    expect(view.topicsById.get(ID)).toBe(view.topics.get("orders"));
  });

  test("of an old epoch, or about what is not known, change nothing", () => {
    expect(applyLeaderHints(BEFORE, [{ ...hint, leaderEpoch: 5 }])).toBe(BEFORE);
    expect(applyLeaderHints(BEFORE, [{ ...hint, topic: "unknown", leaderEpoch: 9 }])).toBe(BEFORE);
    expect(applyLeaderHints(BEFORE, [{ ...hint, partition: 9, leaderEpoch: 9 }])).toBe(BEFORE);
  });
});

test("brokers that something else told of are added, known ones stay as they are", () => {
  const node = { id: 3, address: { host: "b3", port: 9092 }, rack: null };
  const view = addBrokers(BEFORE, [node, { ...node, id: 1 }]);
  expect(view.brokers.get(3)).toBe(node);
  expect(view.brokers.get(1)!.address.host).toBe("b1");
  expect(addBrokers(view, [node])).toBe(view);
});
