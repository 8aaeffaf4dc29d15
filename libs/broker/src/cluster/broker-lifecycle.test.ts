import { EMPTY_IMAGE, MemoryMetadataStore, type MetadataFollower } from "@ottla/metadata";
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
    announcement: life("BA"),
    clusterId: "cluster",
    endpoints: [],
    features: [],
    rack: null,
    logDirs: () => ({ online: [], offline: [] }),
    previousBrokerEpoch: -1,
    log: store.connect(),
    follower: follower as unknown as MetadataFollower,
    gateway: { stand: async () => {}, resign: async () => {}, withdraw() {} } as unknown as ClusterGateway,
    channel: channel as unknown as ControllerChannel,
    runtime,
    heartbeatIntervalMs: () => 2_000,
    idWaitMs: () => ID_WAIT_MS,
    handoverTimeoutMs: () => 0,
    onRegistered: () => {},
    onCutOff: () => {},
  });
  const started = lifecycle.start().then(
    () => "started",
    (error: unknown) => error,
  );
  return { runtime, logger, dead, controller, lifecycle, started };
}

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
