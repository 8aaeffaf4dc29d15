import {
  type BrokerEndpoint,
  type BrokerImage,
  EMPTY_IMAGE,
  MemoryMetadataStore,
  type MetadataFollower,
} from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { StartupError } from "../services/data-directory.ts";
import { RecordingLogger } from "../test-support/recording-logger.ts";
import { BrokerLifecycle } from "./broker-lifecycle.ts";
import type { ClusterGateway } from "./cluster-gateway.ts";
import type { ControllerChannel } from "./controller-channel.ts";

const ID_WAIT_MS = 20_000;
const BROKER_EPOCH = 5;
const life = (directory: string) => ({
  brokerId: 2,
  incarnationId: `AAAAAAAAAAAAAAAAAAAA${directory}`,
  directoryId: `AAAAAAAAAAAAAAAAAAAA${directory}`,
});

/** What no test here is about. */
const QUIET = {
  clusterId: "cluster",
  features: [],
  rack: null,
  logDirs: () => ({ online: [], offline: [] }),
  previousBrokerEpoch: -1,
  gateway: { stand: async () => {}, resign: async () => {}, withdraw() {} } as unknown as ClusterGateway,
  heartbeatIntervalMs: () => 2_000,
  idWaitMs: () => ID_WAIT_MS,
  handoverTimeoutMs: () => 0,
  onRegistered: () => {},
  onCutOff: () => {},
};

/** Broker 2 starts with an empty disk, while the one that was killed is still announced under its id. */
async function startBesideDead() {
  const store = new MemoryMetadataStore();
  const dead = store.connect();
  await dead.liveness.announce(life("AQ"));
  const logger = new RecordingLogger();
  const runtime = createSimulatedRuntime(1, { logger });
  const controller = { isFenced: true };
  const channel = {
    request: async (api: { readonly name: string }) => {
      if (api.name !== "BrokerRegistration") return { errorCode: ErrorCode.NONE, isFenced: false };
      const errorCode = controller.isFenced ? ErrorCode.NONE : ErrorCode.DUPLICATE_BROKER_REGISTRATION;
      return { errorCode, brokerEpoch: BROKER_EPOCH };
    },
  };
  const follower = { image: EMPTY_IMAGE, catchUp: async () => {}, catchUpTo: async () => {} };
  const lifecycle = new BrokerLifecycle({
    ...QUIET,
    announcement: life("BA"),
    endpoints: [],
    log: store.connect(),
    follower: follower as unknown as MetadataFollower,
    channel: channel as unknown as ControllerChannel,
    runtime,
    onSuperseded: () => {},
  });
  const started = lifecycle.start().then(
    () => "started",
    (error: unknown) => error,
  );
  return { runtime, logger, dead, controller, lifecycle, started };
}

/** Broker 2 runs; what the controller answers to its heartbeats can be set. */
async function startRunning() {
  const store = new MemoryMetadataStore();
  const log = store.connect();
  const logger = new RecordingLogger();
  const runtime = createSimulatedRuntime(1, { logger });
  const answers = { errorCode: ErrorCode.NONE as number, isFenced: false };
  const seen = { registrations: 0, superseded: [] as string[] };
  const channel = {
    request: async (api: { readonly name: string }) => {
      if (api.name === "BrokerHeartbeat") return { ...answers };
      seen.registrations++;
      answers.errorCode = ErrorCode.NONE;
      return { errorCode: ErrorCode.NONE, brokerEpoch: BROKER_EPOCH + seen.registrations };
    },
  };
  const successor: BrokerEndpoint = { name: "PLAINTEXT", host: "there", port: 9093, securityProtocol: 0, url: null };
  const registered = { incarnationId: COPY.incarnationId, endpoints: [successor] } as unknown as BrokerImage;
  const image = { ...EMPTY_IMAGE, brokers: EMPTY_IMAGE.brokers.set("2", registered) };
  const follower = { image, catchUp: async () => {}, catchUpTo: async () => {} };
  const lifecycle = new BrokerLifecycle({
    ...QUIET,
    announcement: life("AQ"),
    endpoints: [{ ...successor, host: "here", port: 9092 }],
    log,
    follower: follower as unknown as MetadataFollower,
    channel: channel as unknown as ControllerChannel,
    runtime,
    onSuperseded: ({ message }) => void seen.superseded.push(message),
  });
  await lifecycle.start();
  return { runtime, store, log, logger, answers, seen, lifecycle };
}

/** The same data directory in another life: a copy of it, or the one whose process was killed and started again. */
const COPY = { ...life("AQ"), incarnationId: "AAAAAAAAAAAAAAAAAAAACQ" };

describe("a broker whose data directory was copied", () => {
  it("stops with one line once the copy has its place, and leaves that one alone", async () => {
    const { runtime, store, logger, answers, seen, lifecycle } = await startRunning();
    await store.connect().liveness.announce(COPY);
    answers.errorCode = ErrorCode.STALE_BROKER_EPOCH;
    await runtime.advance(60_000);
    expect(seen.registrations).toBe(1);
    expect(seen.superseded).toHaveLength(1);
    const [line] = seen.superseded;
    for (const told of ["broker id 2", COPY.incarnationId, "there:9093", life("AQ").incarnationId, "here:9092"])
      expect(line).toContain(told);
    expect(logger.messages().filter((message) => message.includes("broker id 2"))).toEqual([line]);
    await lifecycle.stop();
    expect([...store.sessions.values()].map(({ broker }) => broker)).toEqual([COPY]);
  });

  it("stops as soon as it is fenced for that, though the copy never comes to be registered", async () => {
    const { runtime, store, answers, seen } = await startRunning();
    await store.connect().liveness.announce(COPY);
    answers.isFenced = true;
    await runtime.advance(5_000);
    expect(seen.superseded).toHaveLength(1);
  });

  it("does not take its place back when its session has ended meanwhile", async () => {
    const { runtime, store, log, seen } = await startRunning();
    await store.connect().liveness.announce(COPY);
    log.expireSession();
    await runtime.advance(3_000);
    expect(seen.superseded).toHaveLength(1);
    expect([...store.sessions.values()].map(({ broker }) => broker)).toEqual([COPY]);
  });
});

describe("a broker whose place nobody has", () => {
  it("registers again when its epoch is stale, and is announced again when its session has ended", async () => {
    const { runtime, store, log, answers, seen, lifecycle } = await startRunning();
    answers.errorCode = ErrorCode.STALE_BROKER_EPOCH;
    await runtime.advance(3_000);
    expect(seen.registrations).toBe(2);
    log.expireSession();
    await runtime.advance(3_000);
    expect([...store.sessions.values()].map(({ broker }) => broker)).toEqual([life("AQ")]);
    expect(seen.superseded).toEqual([]);
    await lifecycle.close();
  });

  it("is announced again when it is fenced because somebody has removed its announcement", async () => {
    const { runtime, store, answers, seen, lifecycle } = await startRunning();
    store.sessions.clear();
    answers.isFenced = true;
    await runtime.advance(3_000);
    expect([...store.sessions.values()].map(({ broker }) => broker)).toEqual([life("AQ")]);
    expect(seen.superseded).toEqual([]);
    await lifecycle.close();
  });
});

describe("a broker with the id of one that was killed, and another data directory", () => {
  it("says that it waits, and starts when that one's session is over and it is fenced", async () => {
    const { runtime, logger, dead, controller, lifecycle, started } = await startBesideDead();
    controller.isFenced = false;
    await runtime.advance(10_000);
    expect(logger.messages()).toContain("waiting for the end of another broker with this id, or of its session");
    dead.expireSession();
    await runtime.advance(ID_WAIT_MS - 1_000);
    controller.isFenced = true;
    await runtime.advance(1_000);
    expect(await started).toBe("started");
    await lifecycle.close();
  });

  it("ends with a line that says so where it does not end", async () => {
    const { runtime, started } = await startBesideDead();
    await runtime.advance(ID_WAIT_MS + 1_000);
    const error = await started;
    expect(error).toBeInstanceOf(StartupError);
    expect(String(error)).toContain("broker id 2 is in use: a broker with another data directory");
  });

  it("ends with a line that says so where the controller goes on having it for alive", async () => {
    const { runtime, dead, controller, started } = await startBesideDead();
    controller.isFenced = false;
    dead.expireSession();
    await runtime.advance(ID_WAIT_MS + 1_000);
    expect(String(await started)).toContain("the controller refuses this broker's registration");
  });
});
