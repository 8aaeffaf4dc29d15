import { ErrorCode, KafkaError } from "@ottla/protocol";
import { type Random, seededRandom } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { brokerById, type MetadataImage, NO_LEADER, type PartitionImage } from "../image/metadata-image.ts";
import { imageAfter, stateWith } from "../test-support/controller-fixture.ts";
import { alterPartition } from "./alter-partition.ts";
import { brokerHeartbeat, fenceBroker } from "./broker-lifecycle.ts";
import { registerBroker } from "./brokers.ts";
import type { ControllerOperation, ControllerState } from "./controller-state.ts";
import { createTopics } from "./create-topics.ts";
import { balanceLeaders, electLeaders } from "./elect-leaders.ts";
import { ELR_VERSION_FEATURE, isActiveBroker, UNCLEAN_ELECTION_CONFIG } from "./partition-rules.ts";
import { alterPartitionReassignments } from "./reassignments.ts";

const BROKERS = [1, 2, 3, 4];
const TOPICS = ["a", "b"];
const STEPS = 150;
const SEEDS = Number(process.env.OTTLA_TEST_SEEDS ?? 15);

/** What may happen to a small cluster, by chance; much of it is refused, which is part of it. */
const EVENTS: Readonly<
  Record<string, (state: ControllerState, random: Random) => ControllerOperation<unknown> | null>
> = {
  fence: ({ image }, random) => {
    const id = anyOf(BROKERS, random);
    return (state) => fenceBroker(state, id, brokerById(image, id)?.epoch ?? -1);
  },
  cleanRestart: (_state, random) => register(anyOf(BROKERS, random), true),
  uncleanRestart: (_state, random) => register(anyOf(BROKERS, random), false),
  unfence: ({ image }, random) => heartbeat(image, anyOf(BROKERS, random), false),
  unfenceMore: ({ image }, random) => heartbeat(image, anyOf(BROKERS, random), false),
  shutDown: ({ image }, random) => heartbeat(image, anyOf(BROKERS, random), true),
  shrinkIsr: ({ image }, random) => propose(image, random, (isr) => isr.slice(0, 1 + random.nextInt(isr.length))),
  growIsr: ({ image }, random) =>
    propose(image, random, (isr, { replicas }) => [...new Set([...isr, anyOf(replicas, random)])]),
  growIsrMore: ({ image }, random) =>
    propose(image, random, (_isr, { replicas }) => replicas.filter((id) => isActiveBroker(image, id))),
  elect: (_state, random) => {
    const input = { electionType: random.nextInt(20) === 0 ? 1 : 0, topicPartitions: null };
    return (state) => electLeaders(state, input);
  },
  balance: () => (state) => balanceLeaders(state),
  reassign: (_state, random) => {
    const replicas = BROKERS.filter(() => random.nextInt(2) === 0);
    const reassignment = { topic: anyOf(TOPICS, random), partition: random.nextInt(2), replicas };
    return (state) =>
      alterPartitionReassignments(state, { reassignments: [reassignment], allowReplicationFactorChange: true });
  },
  cancel: (_state, random) => {
    const reassignment = { topic: anyOf(TOPICS, random), partition: random.nextInt(2), replicas: null };
    return (state) =>
      alterPartitionReassignments(state, { reassignments: [reassignment], allowReplicationFactorChange: true });
  },
};

function anyOf<Item>(items: readonly Item[], random: Random): Item {
  return items[random.nextInt(items.length)]!;
}

function register(brokerId: number, cleanShutdown: boolean): ControllerOperation<unknown> {
  const logDirs = [`dir-${brokerId}`.padEnd(22, "A")];
  const incarnationId = "AAAAAAAAAAAAAAAAAAAAAw";
  const input = {
    brokerId,
    incarnationId,
    endpoints: [],
    features: [{ name: ELR_VERSION_FEATURE, minSupportedVersion: 0, maxSupportedVersion: 1 }],
    rack: null,
    logDirs,
    fenced: true,
    cleanShutdown,
  };
  return (state) => registerBroker(state, input);
}

function heartbeat(image: MetadataImage, brokerId: number, wantShutDown: boolean): ControllerOperation<unknown> {
  const brokerEpoch = brokerById(image, brokerId)?.epoch ?? -1;
  const beat = {
    brokerId,
    brokerEpoch,
    currentMetadataOffset: image.offset,
    wantFence: false,
    wantShutDown,
    offlineLogDirs: [],
  };
  return (state) => brokerHeartbeat(state, beat, { activeOffsetMin: 0, handedOverAt: null });
}

/** Some leader proposes another ISR. */
function propose(
  image: MetadataImage,
  random: Random,
  isrOf: (isr: readonly number[], partition: PartitionImage) => readonly number[],
): ControllerOperation<unknown> | null {
  const topic = image.topicsByName.get(anyOf(TOPICS, random));
  const partition = topic?.partitions[random.nextInt(2)];
  if (topic === undefined || partition === undefined || partition.leader === NO_LEADER) return null;
  const { leader, leaderEpoch, partitionEpoch } = partition;
  const members = isrOf([leader, ...partition.isr.filter((id) => id !== leader)], partition);
  const newIsr = members.map((brokerId) => ({ brokerId, brokerEpoch: brokerById(image, brokerId)?.epoch ?? -1 }));
  const proposal = {
    topicId: topic.topicId,
    partition: partition.partition,
    leaderEpoch,
    partitionEpoch,
    newIsr,
    leaderRecoveryState: 0,
  };
  const brokerEpoch = brokerById(image, leader)?.epoch ?? -1;
  return (state) => alterPartition(state, { brokerId: leader, brokerEpoch, proposals: [proposal] });
}

function partitionsOf(image: MetadataImage): [string, PartitionImage][] {
  return [...image.topicsByName.values()].flatMap(({ name, partitions }) =>
    partitions.map((partition): [string, PartitionImage] => [`${name}-${partition.partition}`, partition]),
  );
}

/** What holds of every partition after every step. */
function check(image: MetadataImage, name: string, partition: PartitionImage): void {
  const {
    leader,
    isr,
    replicas,
    eligibleLeaderReplicas: elr,
    addingReplicas,
    removingReplicas,
    directories,
  } = partition;
  expect(new Set(replicas).size, `${name}: each replica once`).toBe(replicas.length);
  expect(new Set(isr).size, `${name}: each in sync once`).toBe(isr.length);
  for (const id of [...isr, ...elr, ...addingReplicas, ...removingReplicas]) {
    expect(replicas, `${name}: a replica`).toContain(id);
  }
  for (const id of elr) expect(isr, `${name}: eligible and in sync`).not.toContain(id);
  expect(directories.length, `${name}: a directory for each`).toBe(replicas.length);
  if (leader !== NO_LEADER) {
    expect(isr, `${name}: the leader is in sync`).toContain(leader);
    expect(isActiveBroker(image, leader), `${name}: the leader is alive`).toBe(true);
  } else {
    const could = [...isr, ...elr].filter((id) => isActiveBroker(image, id));
    expect(could, `${name}: nobody leads though somebody could`).toEqual([]);
  }
}

/** What holds between one image and the next. */
function checkStep(before: PartitionImage, after: PartitionImage, name: string, isProposal: boolean): void {
  expect(after.leaderEpoch, `${name}: the leader epoch`).toBeGreaterThanOrEqual(before.leaderEpoch);
  if (after === before) return;
  expect(after.partitionEpoch, `${name}: the partition epoch`).toBeGreaterThan(before.partitionEpoch);
  if (after.leader !== before.leader) {
    expect(after.leaderEpoch, `${name}: another leader has another epoch`).toBeGreaterThan(before.leaderEpoch);
    // The leader's word that a replica is in sync can end a reassignment, and make that one the leader.
    const hadAll = isProposal || [...before.isr, ...before.eligibleLeaderReplicas, NO_LEADER].includes(after.leader);
    expect(hadAll || after.leaderRecoveryState === 1, `${name}: a leader that may lack records recovers`).toBe(true);
  }
}

describe("the history of a cluster", () => {
  const happened = new Map<string, number>(Object.keys(EVENTS).map((name) => [name, 0]));

  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))("keeps its invariants, seed %i", (seed) => {
    const random = seededRandom(seed);
    const start = stateWith(BROKERS, [
      { type: "FeatureLevelRecord", name: ELR_VERSION_FEATURE, featureLevel: seed % 4 === 0 ? 0 : 1 },
      // One of the two topics takes a leader that is not in sync rather than none.
      { type: "ConfigRecord", resourceType: 2, resourceName: TOPICS[0]!, name: UNCLEAN_ELECTION_CONFIG, value: "true" },
    ]);
    const configs = [{ name: "min.insync.replicas", value: "2" }];
    const topics = TOPICS.map((name) => ({ name, numPartitions: 2, replicationFactor: 3, assignments: [], configs }));
    let image = imageAfter(createTopics(start, { topics, validateOnly: false }).records, start.image);
    for (let step = 0; step < STEPS; step++) {
      const state: ControllerState = { ...start, image, nextOffset: image.offset + 1, random };
      const name = anyOf(Object.keys(EVENTS), random);
      const operation = EVENTS[name]!(state, random);
      if (operation === null) continue;
      const records = decide(operation, state);
      if (records.length > 0) happened.set(name, happened.get(name)! + 1);
      const next = imageAfter(records, image);
      const before = new Map(partitionsOf(image));
      for (const [key, partition] of partitionsOf(next)) {
        check(next, `seed ${seed}, step ${step} (${name}): ${key}`, partition);
        const isProposal = name.startsWith("growIsr");
        checkStep(before.get(key)!, partition, `seed ${seed}, step ${step} (${name}): ${key}`, isProposal);
      }
      image = next;
    }
  });

  it("has seen every kind of event change something", () => {
    for (const [name, count] of happened) expect(count, name).toBeGreaterThan(0);
  });
});

function decide(operation: ControllerOperation<unknown>, state: ControllerState) {
  try {
    return operation(state).records;
  } catch (error) {
    if (error instanceof KafkaError && error.errno !== ErrorCode.UNKNOWN_SERVER_ERROR) return [];
    throw error;
  }
}
