import {
  brokerById,
  Controller,
  createTopics,
  FaultyMetadataLog,
  MemoryMetadataStore,
  MetadataFollower,
  type MetadataLog,
  registerBroker,
} from "@ottla/metadata";
import { createSimulatedRuntime, seededRandom } from "@ottla/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerConfig } from "../config/broker-config.ts";
import { controllerPolicy } from "../config/component-options.ts";
import { registeredFeatures, supportedFeatures } from "../services/features.ts";
import { ControllerDuties } from "./controller-duties.ts";

const SESSION_TIMEOUT_MS = 1_000;
const NO_SNAPSHOTS = Number.POSITIVE_INFINITY;

/** The duties of a controller that is broker 1, on a log that can be taken away; broker 2 is alive beside it. */
describe("the controller's duties", () => {
  const random = seededRandom(1);
  const faults = {
    random,
    lostAnswerRate: 0,
    lostRequestRate: 0,
    lateRequestRate: 0,
    staleReadRate: 0,
    lostHintRate: 0,
    failedCallRate: 0,
  };
  const runtime = createSimulatedRuntime(1);
  const store = new MemoryMetadataStore();
  const second = store.connect();
  const log = new FaultyMetadataLog(store.connect(), faults);
  const follower = new MetadataFollower(log, runtime);
  const controller = new Controller({
    brokerId: 1,
    log,
    follower,
    policy: () => controllerPolicy(BrokerConfig.fromSettings([]), { isOfCluster: true }),
    runtime,
    snapshotIntervalBytes: NO_SNAPSHOTS,
  });
  const duties = new ControllerDuties({
    controller,
    follower,
    log,
    runtime,
    supportedFeatures,
    sessionTimeoutMs: () => SESSION_TIMEOUT_MS,
    balance: () => balancing,
  });
  let balancing: { readonly intervalMs: number } | null = null;
  let decisions = 0;

  beforeAll(async () => {
    await follower.start();
    await register(1, log);
    await register(2, second);
    const submit = controller.submit.bind(controller);
    controller.submit = (operation) => {
      decisions++;
      return submit(operation);
    };
  });
  afterAll(() => duties.close());

  async function register(brokerId: number, connection: MetadataLog) {
    const life = {
      brokerId,
      incarnationId: `AAAAAAAAAAAAAAAAAAAAA${"AQgw"[brokerId]}`,
      directoryId: "AAAAAAAAAAAAAAAAAAAABA",
    };
    await connection.liveness.announce(life);
    const features = registeredFeatures(supportedFeatures);
    const rest = { endpoints: [], features, rack: null, logDirs: [], fenced: false, cleanShutdown: true };
    await controller.submit((state) => registerBroker(state, { ...life, ...rest }));
  }

  const isFenced = (brokerId: number) => brokerById(follower.image, brokerId)!.fenced;

  /** Lets time pass in which these brokers send heartbeats. */
  async function pass(ms: number, alive: readonly number[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const id of alive) duties.heardOf(id, brokerById(follower.image, id)!.epoch, 0);
      await runtime.advance(100);
    }
  }

  it("fence whoever is silent, once, and nobody for the time that the log stood still", async () => {
    faults.lostRequestRate = 1;
    const waiting = register(3, store.connect());
    const before = decisions;
    await pass(5 * SESSION_TIMEOUT_MS, []);
    // The registration that is on its way, and one for each broker.
    expect(decisions - before).toBe(3);
    faults.lostRequestRate = 0;
    await pass(3 * SESSION_TIMEOUT_MS, [1, 2]);
    await waiting;
    expect([isFenced(1), isFenced(2)]).toEqual([false, false]);
    await pass(3 * SESSION_TIMEOUT_MS, [1]);
    expect([isFenced(1), isFenced(2)]).toEqual([false, true]);
  });

  it("look again for who is gone where they could not find out", async () => {
    await register(2, second);
    faults.failedCallRate = 1;
    second.expireSession();
    await pass(SESSION_TIMEOUT_MS / 2, [1, 2]);
    expect(isFenced(2)).toBe(false);
    faults.failedCallRate = 0;
    await pass(SESSION_TIMEOUT_MS / 2, [1, 2]);
    expect([isFenced(1), isFenced(2)]).toEqual([false, true]);
  });

  it("give leaderships back without a pause, though not all of them in one step", async () => {
    await register(2, second);
    const assignments = Array.from({ length: 2_500 }, (_, partitionIndex) => ({ partitionIndex, brokerIds: [2, 1] }));
    const topic = { name: "many", numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
    await controller.submit((state) => createTopics(state, { topics: [topic], validateOnly: false }));
    const many = () => follower.image.topicsByName.get("many")!;
    const ledBy = (brokerId: number) => many().partitions.filter(({ leader }) => leader === brokerId).length;
    const wander = { type: "PartitionChangeRecord", topicId: many().topicId, leader: 1 } as const;
    await controller.submit(() => ({
      records: assignments.map(({ partitionIndex: partitionId }) => ({ ...wander, partitionId })),
      response: undefined,
      isAtomic: false,
    }));
    expect(ledBy(1)).toBe(assignments.length);
    balancing = { intervalMs: 10 * SESSION_TIMEOUT_MS };
    await pass(12 * SESSION_TIMEOUT_MS, [1, 2]);
    expect(ledBy(2)).toBe(assignments.length);
  });
});
