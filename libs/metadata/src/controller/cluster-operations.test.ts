import { ErrorCode, KafkaError } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { brokerById, type MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { imageAfter, registration, stateWith } from "../test-support/controller-fixture.ts";
import { ConfigOperation, incrementalAlterConfigs } from "./alter-configs.ts";
import { alterPartition, type IsrProposal } from "./alter-partition.ts";
import { brokerHeartbeat, fenceBroker, type HeartbeatContext, unregisterBroker } from "./broker-lifecycle.ts";
import { finalizeFeatures, hasLostNothing, registerBroker } from "./brokers.ts";
import type { ControllerState } from "./controller-state.ts";
import { balanceLeaders, ElectionType, electLeaders } from "./elect-leaders.ts";
import { assignDirectories } from "./log-directories.ts";
import { alterPartitionReassignments, listPartitionReassignments } from "./reassignments.ts";
import { FeatureUpgradeType, updateFeatures } from "./update-features.ts";

const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAACQ";
const INCARNATION = "AAAAAAAAAAAAAAAAAAAAAw";

/** All that the brokers here can run at. */
const FEATURES = [{ name: "eligible.leader.replicas.version", minSupportedVersion: 0, maxSupportedVersion: 1 }];

const topic = (replicas: readonly number[] = [1, 2, 3], partitions = 1): NewMetadataRecord[] => [
  { type: "FeatureLevelRecord", name: "eligible.leader.replicas.version", featureLevel: 1 },
  { type: "TopicRecord", name: "orders", topicId: TOPIC_ID },
  ...Array.from({ length: partitions }, (_, partitionId): NewMetadataRecord => {
    const rotated = replicas.map((_replica, index) => replicas[(index + partitionId) % replicas.length]!);
    return {
      type: "PartitionRecord",
      partitionId,
      topicId: TOPIC_ID,
      replicas: rotated,
      isr: rotated,
      removingReplicas: [],
      addingReplicas: [],
      leader: rotated[0]!,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: rotated.map((id) => `dir-${id}${"A".repeat(17)}`),
    };
  }),
  { type: "ConfigRecord", resourceType: 2, resourceName: "orders", name: "min.insync.replicas", value: "2" },
];

const cluster = (brokers: readonly number[] = [1, 2, 3], partitions = 1) =>
  stateWith(brokers, topic([1, 2, 3], partitions));

/** The state after an operation's records. */
function after(state: ControllerState, records: readonly NewMetadataRecord[]): ControllerState {
  const image = imageAfter(records, state.image);
  return { ...state, image, nextOffset: image.offset + 1 };
}

const partitionOf = ({ image }: { readonly image: MetadataImage }, index = 0) =>
  image.topicsByName.get("orders")!.partitions[index]!;

const fenced = (state: ControllerState, id: number) => after(state, fenceBroker(state, id, id * 10).records);

function errnoOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof KafkaError) return error.errno;
    throw error;
  }
  return ErrorCode.NONE;
}

describe("AlterPartition", () => {
  const proposal = (overrides: Partial<IsrProposal> = {}): IsrProposal => ({
    topicId: TOPIC_ID,
    partition: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    newIsr: [
      { brokerId: 1, brokerEpoch: 10 },
      { brokerId: 2, brokerEpoch: 20 },
    ],
    leaderRecoveryState: 0,
    ...overrides,
  });
  const propose = (state: ControllerState, overrides: Partial<IsrProposal>, brokerId = 1) =>
    alterPartition(state, { brokerId, brokerEpoch: brokerId * 10, proposals: [proposal(overrides)] });

  it("takes what the leader of the present epoch proposes, and answers with the partition as it is then", () => {
    const { records, response } = propose(cluster(), {});
    expect(response[0]).toMatchObject({
      errno: 0,
      after: { isr: [1, 2], leader: 1, leaderEpoch: 0, partitionEpoch: 1 },
    });
    expect(partitionOf(after(cluster(), records))).toMatchObject({ isr: [1, 2], partitionEpoch: 1, leaderEpoch: 0 });
  });

  it.each<[string, Partial<IsrProposal>, number, number]>([
    ["a topic that is not there", { topicId: "AAAAAAAAAAAAAAAAAAAADA" }, 1, ErrorCode.UNKNOWN_TOPIC_ID],
    ["a partition that is not there", { partition: 9 }, 1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ["a leader epoch from the future", { leaderEpoch: 1 }, 1, ErrorCode.NOT_CONTROLLER],
    ["a partition epoch from the future", { partitionEpoch: 1 }, 1, ErrorCode.NOT_CONTROLLER],
    ["somebody who does not lead", {}, 2, ErrorCode.INVALID_REQUEST],
    ["an ISR without the leader", { newIsr: [{ brokerId: 2, brokerEpoch: 20 }] }, 1, ErrorCode.INVALID_REQUEST],
    ["a broker that has no replica", { newIsr: [1, 4].map(member) }, 1, ErrorCode.INVALID_REQUEST],
    ["one replica twice", { newIsr: [1, 2, 2].map(member) }, 1, ErrorCode.INVALID_REQUEST],
    ["a recovery that there is not", { leaderRecoveryState: 1, newIsr: [member(1)] }, 1, ErrorCode.INVALID_REQUEST],
    ["a recovery state that there is not", { leaderRecoveryState: 7 }, 1, ErrorCode.INVALID_REQUEST],
    [
      "a replica in an earlier life of its broker",
      { newIsr: [member(1), { brokerId: 2, brokerEpoch: 19 }] },
      1,
      ErrorCode.INELIGIBLE_REPLICA,
    ],
  ])("refuses %s", (_what, overrides, brokerId, errno) => {
    const { records, response } = propose(cluster([1, 2, 3, 4]), overrides, brokerId);
    expect(response).toEqual([{ errno, after: null }]);
    expect(records).toEqual([]);
  });

  it("refuses old leader and partition epochs", () => {
    const shrunk = after(cluster(), propose(cluster(), {}).records);
    expect(propose(shrunk, {}).response[0]!.errno).toBe(ErrorCode.INVALID_UPDATE_VERSION);
    const elected = fenced(cluster(), 1);
    expect(partitionOf(elected)).toMatchObject({ leader: 2, leaderEpoch: 1 });
    const again = after(elected, [{ ...registration(1), brokerEpoch: 10 } as NewMetadataRecord]);
    expect(propose(again, { partitionEpoch: 1 }, 2).response[0]!.errno).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(propose(again, {}, 1).response[0]!.errno, "of the leader of before").toBe(ErrorCode.FENCED_LEADER_EPOCH);
  });

  it("refuses a replica whose broker is fenced, or about to stop", () => {
    const without3 = fenced(cluster(), 3);
    const overrides = { partitionEpoch: 1, newIsr: [1, 2, 3].map(member) };
    expect(propose(without3, overrides).response[0]!.errno).toBe(ErrorCode.INELIGIBLE_REPLICA);
  });

  it("refuses the whole request of a broker in an earlier life", () => {
    const input = { brokerId: 1, brokerEpoch: 9, proposals: [proposal()] };
    expect(errnoOf(() => alterPartition(cluster(), input))).toBe(ErrorCode.STALE_BROKER_EPOCH);
    expect(errnoOf(() => alterPartition(cluster(), { ...input, brokerId: 8 }))).toBe(
      ErrorCode.BROKER_ID_NOT_REGISTERED,
    );
  });

  function member(brokerId: number) {
    return { brokerId, brokerEpoch: brokerId * 10 };
  }
});

describe("a broker's life", () => {
  const unknown: HeartbeatContext = { activeOffsetMin: 0, handedOverAt: null };
  const beat = (state: ControllerState, overrides: object, context = unknown) =>
    brokerHeartbeat(
      state,
      {
        brokerId: 1,
        brokerEpoch: 10,
        currentMetadataOffset: 100,
        wantFence: false,
        wantShutDown: false,
        offlineLogDirs: [],
        ...overrides,
      },
      context,
    );

  it("is not unfenced by its heartbeats alone: one that is cut off from the metadata sends them too", () => {
    const gone = fenced(cluster(), 1);
    const unheard = beat(gone, {}, { ...unknown, isAnnounced: false });
    expect(unheard).toMatchObject({ records: [], response: { isFenced: true } });
    expect(beat(gone, {}, { ...unknown, isAnnounced: true }).response.isFenced).toBe(false);
  });

  it("is fenced when nothing is heard of it: others lead, and it leaves the ISRs", () => {
    const state = fenced(cluster([1, 2, 3], 3), 1);
    expect(brokerById(state.image, 1)!.fenced).toBe(true);
    expect([0, 1, 2].map((index) => partitionOf(state, index).leader)).toEqual([2, 2, 3]);
    for (const index of [0, 1, 2]) expect(partitionOf(state, index).isr).not.toContain(1);
    expect(fenceBroker(state, 1, 10).records).toEqual([]);
    expect(fenceBroker(cluster(), 1, 9).records).toEqual([]);
  });

  it("is unfenced once it has acted on its registration, and leads what nobody else could", () => {
    const alone = [3, 2, 1].reduce(fenced, cluster());
    expect(partitionOf(alone)).toMatchObject({ leader: -1, isr: [], eligibleLeaderReplicas: [2, 1] });
    expect(beat(alone, { currentMetadataOffset: 9 }).response).toMatchObject({ isCaughtUp: false, isFenced: true });
    const { records, response } = beat(alone, {});
    expect(response).toEqual({ isCaughtUp: true, isFenced: false, shouldShutDown: false });
    expect(partitionOf(after(alone, records))).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [2] });
  });

  it("hands its leaderships over before it stops, and stops when the others know", () => {
    const first = beat(cluster(), { wantShutDown: true });
    expect(first.response.shouldShutDown).toBe(false);
    const state = after(cluster(), first.records);
    expect(partitionOf(state)).toMatchObject({ leader: 2, isr: [2, 3] });
    const waiting = { activeOffsetMin: 3, handedOverAt: 4 };
    expect(beat(state, { wantShutDown: true }, waiting).response.shouldShutDown).toBe(false);
    const known = { activeOffsetMin: 4, handedOverAt: 4 };
    expect(beat(state, { wantShutDown: true }, known).response.shouldShutDown).toBe(true);
  });

  it("begins anew with its registration: what an unclean stop may have cost takes it out of ISR and ELR", () => {
    const input = {
      brokerId: 1,
      incarnationId: INCARNATION,
      endpoints: [],
      features: FEATURES,
      rack: null,
      logDirs: [`dir-1${"A".repeat(17)}`],
      fenced: true,
    };
    const unclean = after(cluster(), registerBroker(cluster(), { ...input, cleanShutdown: false }).records);
    expect(partitionOf(unclean)).toMatchObject({ leader: 2, isr: [2, 3], eligibleLeaderReplicas: [] });
    const down = [3, 2, 1].reduce(fenced, cluster());
    const back = after(down, registerBroker(down, { ...input, cleanShutdown: false }).records);
    expect(partitionOf(back)).toMatchObject({ leader: -1, isr: [], eligibleLeaderReplicas: [2] });
    const clean = after(down, registerBroker(down, { ...input, cleanShutdown: true }).records);
    expect(partitionOf(clean).eligibleLeaderReplicas).toEqual([2, 1]);
  });

  it("that has not heard what came of its registration, and registers again, has lost nothing by that", () => {
    const down = [3, 2, 1].reduce(fenced, cluster());
    const input = { brokerId: 1, incarnationId: INCARNATION, endpoints: [], features: FEATURES, rack: null };
    const life = { ...input, logDirs: [`dir-1${"A".repeat(17)}`], fenced: true, previousBrokerEpoch: 10 };
    const register = (state: ControllerState) => {
      const cleanShutdown = hasLostNothing(brokerById(state.image, 1), life);
      return after(state, registerBroker(state, { ...life, cleanShutdown }).records);
    };
    const twice = register(register(down));
    expect(partitionOf(twice).eligibleLeaderReplicas).toEqual([2, 1]);
    expect(hasLostNothing(brokerById(twice.image, 1), { ...life, incarnationId: TOPIC_ID })).toBe(false);
    expect(hasLostNothing(undefined, life)).toBe(false);
  });

  it("is refused where it cannot run at the levels that the cluster is at, and changes nothing by asking", () => {
    const input = { brokerId: 1, incarnationId: INCARNATION, endpoints: [], rack: null, logDirs: [] };
    const life = { ...input, fenced: true, cleanShutdown: true };
    const down = fenced(cluster(), 1);
    const refusal = (features: typeof FEATURES) => errnoOf(() => registerBroker(down, { ...life, features }));
    expect(refusal([])).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(refusal(FEATURES.map((each) => ({ ...each, maxSupportedVersion: 0 })))).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(refusal(FEATURES.map((each) => ({ ...each, minSupportedVersion: 2, maxSupportedVersion: 3 })))).toBe(
      ErrorCode.UNSUPPORTED_VERSION,
    );
    expect(refusal(FEATURES.map((each) => ({ ...each, maxSupportedVersion: 7 })))).toBe(ErrorCode.NONE);
    const withoutLevels = after(down, [
      { type: "FeatureLevelRecord", name: "eligible.leader.replicas.version", featureLevel: 0 },
    ]);
    expect(errnoOf(() => registerBroker(withoutLevels, { ...life, features: [] }))).toBe(ErrorCode.NONE);
  });

  it("is eligible nowhere when it begins anew although it was unregistered: its disk may be another one", () => {
    const down = [3, 2].reduce(fenced, cluster());
    expect(partitionOf(down)).toMatchObject({ isr: [1], eligibleLeaderReplicas: [2] });
    const gone = after(down, unregisterBroker(down, 2).records);
    const input = {
      brokerId: 2,
      incarnationId: INCARNATION,
      endpoints: [],
      features: FEATURES,
      rack: null,
      fenced: true,
    };
    const logDirs = ["AAAAAAAAAAAAAAAAAAAADw"];
    const anew = after(gone, registerBroker(gone, { ...input, logDirs, cleanShutdown: false }).records);
    expect(partitionOf(anew)).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [] });
  });

  it("keeps its id for itself as long as it is alive", () => {
    const input = { brokerId: 1, incarnationId: INCARNATION, endpoints: [], features: FEATURES, rack: null };
    const other = { ...input, logDirs: ["AAAAAAAAAAAAAAAAAAAADw"], fenced: true, cleanShutdown: true };
    expect(errnoOf(() => registerBroker(cluster(), other))).toBe(ErrorCode.DUPLICATE_BROKER_REGISTRATION);
    expect(errnoOf(() => registerBroker(fenced(cluster(), 1), other))).toBe(ErrorCode.NONE);
  });

  describe("with two log directories", () => {
    const [good, bad] = ["AAAAAAAAAAAAAAAAAAAAEQ", "AAAAAAAAAAAAAAAAAAAAEg"] as const;
    const assign = (state: ControllerState, directoryId: string, partition = 0) =>
      assignDirectories(state, {
        ...{ brokerId: 1, brokerEpoch: 10 },
        content: [{ topicId: TOPIC_ID, partition, directoryId }],
      });
    const assigned = (state: ControllerState, directoryId: string, partition = 0) =>
      after(state, assign(state, directoryId, partition).records);
    /** Broker 1 has partition 0 in the bad directory, partition 1 in the good one. */
    const twoDirectories = () => {
      const state = cluster([1, 2, 3], 2);
      const moves = partitionsOf(state).map(({ partition, replicas, directories }): NewMetadataRecord => {
        const own = partition === 0 ? bad : good;
        const moved = directories.map((id, index) => (replicas[index] === 1 ? own : id));
        return { type: "PartitionChangeRecord", topicId: TOPIC_ID, partitionId: partition, directories: moved };
      });
      const logDirs = [good, bad];
      return after(state, [
        { type: "BrokerRegistrationChangeRecord", brokerId: 1, brokerEpoch: 10, logDirs },
        ...moves,
      ]);
    };
    const partitionsOf = (state: ControllerState) => state.image.topicsByName.get("orders")!.partitions;

    it("is told of a failed one by a heartbeat: its replicas there leave the ISRs and lead no more", () => {
      const before = twoDirectories();
      const state = after(before, beat(before, { offlineLogDirs: [bad] }).records);
      expect(brokerById(state.image, 1)).toMatchObject({ logDirs: [good], fenced: false });
      expect(partitionsOf(state)[0]).toMatchObject({ leader: 2, isr: [2, 3] });
      expect(partitionsOf(state)[1]!.isr).toContain(1);
      expect(beat(state, { offlineLogDirs: [bad] }).records, "once").toEqual([]);
      const proposal = {
        ...{ topicId: TOPIC_ID, partition: 0, leaderRecoveryState: 0 },
        ...{ leaderEpoch: partitionOf(state).leaderEpoch, partitionEpoch: partitionOf(state).partitionEpoch },
        newIsr: [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: -1 })),
      };
      const { response } = alterPartition(state, { brokerId: 2, brokerEpoch: 20, proposals: [proposal] });
      expect(response[0]!.errno, "it does not come back in sync").toBe(ErrorCode.INELIGIBLE_REPLICA);
    });

    it("goes on with what it has where all have failed: it has to stop by itself", () => {
      expect(beat(twoDirectories(), { offlineLogDirs: [good, bad] }).records).toEqual([]);
    });

    it("has put a replica into one that has failed meanwhile: the replica is not in sync", () => {
      const start = twoDirectories();
      const state = assigned(after(start, beat(start, { offlineLogDirs: [bad] }).records), bad, 1);
      expect(partitionsOf(state)[1]).toMatchObject({ isr: expect.not.arrayContaining([1]) });
      expect(partitionsOf(state)[1]!.leader).not.toBe(1);
    });

    it("has a replica anew, since its directory is gone: that is empty, and may not lead", () => {
      const start = twoDirectories();
      const down = [3, 2].reduce(fenced, start);
      const newLife = after(down, [
        { type: "BrokerRegistrationChangeRecord", brokerId: 1, brokerEpoch: 10, logDirs: [good] },
      ]);
      const state = assigned(newLife, good, 0);
      expect(partitionsOf(state)[0]).toMatchObject({ isr: [], leader: -1 });
      expect(partitionsOf(state)[0]!.eligibleLeaderReplicas).not.toContain(1);
    });

    it("answers for each assignment", () => {
      expect([assign(twoDirectories(), good).response, assign(twoDirectories(), good, 9).response]).toEqual([
        [ErrorCode.NONE],
        [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ]);
    });
  });

  it("is forgotten when it is unregistered", () => {
    expect(
      errnoOf(() => unregisterBroker(cluster(), 1)),
      "while it is alive",
    ).toBe(ErrorCode.INVALID_REQUEST);
    const gone = fenced(cluster(), 1);
    const state = after(gone, unregisterBroker(gone, 1).records);
    expect(brokerById(state.image, 1)).toBeUndefined();
    expect(partitionOf(state)).toMatchObject({ leader: 2, isr: [2, 3], replicas: [1, 2, 3] });
    expect(errnoOf(() => unregisterBroker(state, 1))).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
  });
});

describe("ElectLeaders", () => {
  const elect = (state: ControllerState, electionType: number, partitions: readonly number[] | null = [0]) =>
    electLeaders(state, { electionType, topicPartitions: partitions && [{ topic: "orders", partitions }] });
  /** Broker 1 was away and is in sync again; it leads nothing. */
  const wandered = () => {
    const state = fenced(cluster([1, 2, 3], 3), 1);
    const back = after(state, [{ ...registration(1), brokerEpoch: 10 } as NewMetadataRecord]);
    const topics = [0, 1, 2].map((partitionId): NewMetadataRecord => {
      const { isr } = partitionOf(back, partitionId);
      return { type: "PartitionChangeRecord", partitionId, topicId: TOPIC_ID, leader: -2, isr: [...isr, 1] };
    });
    return after(back, topics);
  };

  it("gives leadership to the preferred replica, and tells of all partitions only what was done", () => {
    const state = wandered();
    expect(elect(state, ElectionType.PREFERRED, null).response).toEqual([
      { topic: "orders", partition: 0, errno: 0, message: null },
    ]);
    const elected = after(state, elect(state, ElectionType.PREFERRED).records);
    expect(partitionOf(elected)).toMatchObject({ leader: 1, leaderEpoch: 2 });
  });

  it.each<[string, () => ControllerState, number, number]>([
    ["the preferred one leads", cluster, ElectionType.PREFERRED, ErrorCode.ELECTION_NOT_NEEDED],
    ["somebody leads", cluster, ElectionType.UNCLEAN, ErrorCode.ELECTION_NOT_NEEDED],
    [
      "the preferred one is fenced",
      () => fenced(cluster(), 1),
      ElectionType.PREFERRED,
      ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
    ],
    [
      "nobody is alive",
      () => [1, 2, 3].reduce(fenced, cluster()),
      ElectionType.UNCLEAN,
      ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    ],
  ])("says when %s", (_what, state, electionType, errno) => {
    expect(elect(state(), electionType).response[0]!.errno).toBe(errno);
  });

  it("refuses what is not there, and elections that there are not", () => {
    const { response } = electLeaders(cluster(), {
      electionType: 0,
      topicPartitions: [
        { topic: "none", partitions: [0] },
        { topic: "orders", partitions: [7] },
      ],
    });
    expect(response.map(({ errno }) => errno)).toEqual([3, 3]);
    expect(errnoOf(() => elect(cluster(), 5))).toBe(ErrorCode.INVALID_REQUEST);
  });

  it("balances by itself, be it one partition of many that has wandered", () => {
    const state = wandered();
    const balanced = after(state, balanceLeaders(state).records);
    expect([0, 1, 2].map((index) => partitionOf(balanced, index).leader)).toEqual([1, 2, 3]);
    const many = cluster([1, 2, 3], 60);
    const oneWandered = after(many, [
      { type: "PartitionChangeRecord", topicId: TOPIC_ID, partitionId: 0, leader: partitionOf(many, 0).replicas[1]! },
    ]);
    expect(balanceLeaders(oneWandered).records).toEqual([expect.objectContaining({ partitionId: 0 })]);
    expect(balanceLeaders(many)).toMatchObject({ records: [], response: 0 });
  });
});

describe("one min.insync.replicas for all brokers while eligible leader replicas are kept", () => {
  const ELR = FEATURES[0]!.name;
  const ofBroker = (resourceName: string, value: string | null): NewMetadataRecord => ({
    ...{ type: "ConfigRecord", resourceType: 4, resourceName, name: "min.insync.replicas", value },
  });
  /** Without a value of the topic's own. */
  const byBrokers = (...configs: NewMetadataRecord[]) =>
    stateWith([1, 2, 3], [...topic([1, 2]).slice(0, -1), ...configs]);
  const update = (state: ControllerState, maxVersionLevel: number, validateOnly = false) => {
    const brokers = [...state.image.brokers.values()].map(({ brokerId }) => {
      return { ...registration(brokerId), features: FEATURES } as NewMetadataRecord;
    });
    const upgradeType = maxVersionLevel > 0 ? FeatureUpgradeType.UPGRADE : FeatureUpgradeType.SAFE_DOWNGRADE;
    const updates = [{ feature: ELR, maxVersionLevel, upgradeType }];
    return updateFeatures(after(state, brokers), { updates, validateOnly }).records;
  };
  const level = (featureLevel: number): NewMetadataRecord => ({ type: "FeatureLevelRecord", name: ELR, featureLevel });

  it("is written with the first levels, by the file of the controller, and not again", () => {
    const state = stateWith([]);
    const { records } = finalizeFeatures(state, new Map([[ELR, 1]]));
    expect(records).toEqual([ofBroker("", "2"), level(1)]);
    expect(finalizeFeatures(after(state, records), new Map()).records).toEqual([]);
    expect(finalizeFeatures(state, new Map([[ELR, 0]])).records).toEqual([level(0)]);
    const alone = stateWith([], [], { isOfCluster: false });
    expect(finalizeFeatures(alone, new Map([[ELR, 1]])).records, "a broker on its own").toEqual([level(1)]);
  });

  it("is written by a new controller where an older one has not; what was reckoned by some file holds no more", () => {
    const state = byBrokers();
    const reckoned = after(state, [
      {
        ...{ type: "PartitionChangeRecord", topicId: TOPIC_ID, partitionId: 0 },
        ...{ isr: [1], eligibleLeaderReplicas: [2] },
      },
    ]);
    const { records } = finalizeFeatures(reckoned, new Map());
    expect(records.map(({ type }) => type)).toEqual(["PartitionChangeRecord", "ConfigRecord"]);
    expect(partitionOf(after(reckoned, records))).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [] });
    const own = [3, 2].reduce(fenced, cluster());
    expect(partitionOf(after(own, finalizeFeatures(own, new Map()).records)).eligibleLeaderReplicas).toEqual([2]);
  });

  it("leaves what is set for the cluster, and drops what is set for single brokers, registered or not", () => {
    const state = byBrokers(ofBroker("", "3"), ofBroker("2", "1"), ofBroker("9", "1"));
    const { records } = finalizeFeatures(state, new Map());
    expect(records).toHaveLength(2);
    expect(records).toEqual(expect.arrayContaining([ofBroker("2", null), ofBroker("9", null)]));
  });

  it("is written where an operator raises the level", () => {
    const state = stateWith([1, 2], [ofBroker("2", "1")]);
    expect(update(state, 1)).toEqual([ofBroker("", "2"), ofBroker("2", null), level(1)]);
    expect(update(state, 1, true)).toEqual([]);
    expect(update(byBrokers(), 0)).toEqual([level(0)]);
  });
});

describe("a smaller min.insync.replicas", () => {
  const setTo = (state: ControllerState, value: string | null, validateOnly = false) => {
    const configOperation = value === null ? ConfigOperation.DELETE : ConfigOperation.SET;
    const configs = [{ name: "min.insync.replicas", configOperation, value }];
    return incrementalAlterConfigs(state, [{ resourceType: 2, resourceName: "orders", configs }], validateOnly).records;
  };

  it.each(["1", null])("(%j) ends the eligibility of those that lack what is acknowledged from now on", (value) => {
    const state = [3, 2].reduce(fenced, cluster());
    expect(partitionOf(state)).toMatchObject({ isr: [1], eligibleLeaderReplicas: [2] });
    const records = setTo(state, value);
    expect(records.map(({ type }) => type)).toEqual(["PartitionChangeRecord", "ConfigRecord"]);
    const lowered = after(state, records);
    expect(partitionOf(lowered)).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [] });
    expect(partitionOf(fenced(lowered, 1))).toMatchObject({ leader: -1, eligibleLeaderReplicas: [1] });
    expect(setTo(state, value, true)).toEqual([]);
  });

  it("changes nothing where still too few are in sync", () => {
    const state = [3, 2, 1].reduce(fenced, cluster());
    expect(setTo(state, "1").map(({ type }) => type)).toEqual(["ConfigRecord"]);
  });
});

describe("reassignments", () => {
  const start = () => cluster([1, 2, 3, 4, 5]);
  const move = (state: ControllerState, replicas: readonly number[] | null, allowReplicationFactorChange = true) =>
    alterPartitionReassignments(state, {
      reassignments: [{ topic: "orders", partition: 0, replicas }],
      allowReplicationFactorChange,
    });
  const moved = (state: ControllerState, replicas: readonly number[] | null) =>
    after(state, move(state, replicas).records);

  it("adds the new replicas first, and can be seen under way", () => {
    const state = moved(start(), [4, 5, 1]);
    const ongoing = { replicas: [4, 5, 1, 2, 3], addingReplicas: [4, 5], removingReplicas: [2, 3] };
    expect(partitionOf(state)).toMatchObject({ ...ongoing, isr: [1, 2, 3], leader: 1 });
    const listed = [{ topic: "orders", partition: 0, ...ongoing }];
    expect(listPartitionReassignments(state.image, null)).toEqual(listed);
    expect(listPartitionReassignments(state.image, [{ name: "orders", partitionIndexes: [0, 5] }])).toEqual(listed);
    expect(listPartitionReassignments(start().image, null)).toEqual([]);
  });

  it("ends when all new replicas are in sync", () => {
    const state = moved(start(), [4, 5]);
    const newIsr = [1, 2, 3, 4, 5].map((brokerId) => ({ brokerId, brokerEpoch: brokerId * 10 }));
    const proposal = {
      topicId: TOPIC_ID,
      partition: 0,
      leaderEpoch: 0,
      partitionEpoch: 1,
      newIsr,
      leaderRecoveryState: 0,
    };
    const { records, response } = alterPartition(state, { brokerId: 1, brokerEpoch: 10, proposals: [proposal] });
    expect(response[0]!.errno).toBe(ErrorCode.NEW_LEADER_ELECTED);
    expect(partitionOf(after(state, records))).toMatchObject({
      replicas: [4, 5],
      isr: [4, 5],
      leader: 4,
      leaderEpoch: 1,
      addingReplicas: [],
      removingReplicas: [],
      directories: [`dir-4${"A".repeat(17)}`, `dir-5${"A".repeat(17)}`],
    });
  });

  it("is taken back: the replicas are where they were", () => {
    const state = moved(moved(start(), [4, 5]), null);
    expect([...partitionOf(state).replicas].sort()).toEqual([1, 2, 3]);
    expect(partitionOf(state)).toMatchObject({ addingReplicas: [], removingReplicas: [], leader: 1 });
    expect(move(state, null).response[0]!.errno).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS);
  });

  it("is replaced by another one: what the first was adding goes with the others", () => {
    const state = moved(moved(start(), [4, 1, 2]), [5, 1, 2]);
    expect(partitionOf(state)).toMatchObject({
      replicas: [5, 1, 2, 4, 3],
      addingReplicas: [5],
      removingReplicas: [4, 3],
      isr: [1, 2, 3],
    });
  });

  it("is what it was when it is asked for again", () => {
    const state = moved(start(), [4, 1, 2]);
    expect(move(state, [4, 1, 2])).toMatchObject({ records: [], response: [{ errno: ErrorCode.NONE }] });
  });

  it("is replaced by one that adds nothing, and ends when all that stay are in sync", () => {
    const state = moved(moved(start(), [4, 1, 2]), [2, 3]);
    expect(partitionOf(state)).toMatchObject({
      replicas: [2, 3],
      isr: [2, 3],
      addingReplicas: [],
      removingReplicas: [],
    });
  });

  it("takes a replica away when all that stay are in sync", () => {
    const lagging = after(start(), [{ type: "PartitionChangeRecord", topicId: TOPIC_ID, partitionId: 0, isr: [1, 3] }]);
    const state = moved(lagging, [1, 2]);
    expect(partitionOf(state)).toMatchObject({ replicas: [1, 2, 3], isr: [1, 3], removingReplicas: [3], leader: 1 });
  });

  it("takes replicas away at once, and changes the replication factor", () => {
    expect(partitionOf(moved(start(), [2, 3]))).toMatchObject({
      replicas: [2, 3],
      isr: [2, 3],
      leader: 2,
      leaderEpoch: 1,
    });
    expect(partitionOf(moved(start(), [1, 2, 3, 4]))).toMatchObject({ addingReplicas: [4], removingReplicas: [] });
    expect(move(start(), [1, 2], false).response[0]!.errno).toBe(ErrorCode.INVALID_REPLICATION_FACTOR);
    expect(move(start(), [4, 5, 1], false).response[0]!.errno).toBe(ErrorCode.NONE);
    const underWay = moved(start(), [4, 5, 1]);
    const [adding] = [{ type: "PartitionChangeRecord", topicId: TOPIC_ID, partitionId: 0, isr: [1, 2, 3, 4] } as const];
    expect(move(after(underWay, [adding]), [4, 2, 3], false).response[0]!.errno).toBe(ErrorCode.NONE);
  });

  it.each<[string, readonly number[], number]>([
    ["no replicas", [], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ["one broker twice", [1, 1], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ["a broker that is not there", [1, 9], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ])("refuses %s", (_what, replicas, errno) => {
    const { records, response } = move(start(), replicas);
    expect(response[0]!.errno).toBe(errno);
    expect(records).toEqual([]);
  });

  it("refuses what is not there, and what is named twice", () => {
    const reassignments = [
      { topic: "none", partition: 0, replicas: [1] },
      { topic: "orders", partition: 4, replicas: [1] },
      { topic: "orders", partition: 0, replicas: [1] },
      { topic: "orders", partition: 0, replicas: [2] },
    ];
    const { response } = alterPartitionReassignments(start(), { reassignments, allowReplicationFactorChange: true });
    expect(response.map(({ errno }) => errno)).toEqual([3, 3, 0, ErrorCode.INVALID_REQUEST]);
  });
});
