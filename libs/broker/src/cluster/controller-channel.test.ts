import { type BrokerImage, EMPTY_IMAGE } from "@ottla/metadata";
import { brokerHeartbeatApi, ErrorCode, KafkaError } from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { createMemoryPair } from "@ottla/transport";
import { expect, it } from "vitest";
import { BrokerConfig } from "../config/broker-config.ts";
import { settingsFromObject } from "../config/config-sources.ts";
import { BrokerLinks } from "./broker-links.ts";
import { ControllerChannel } from "./controller-channel.ts";

const BEAT = {
  brokerId: 1,
  brokerEpoch: 1,
  currentMetadataOffset: 0,
  wantFence: false,
  wantShutDown: false,
  offlineLogDirs: [],
};

it("gives up a controller in time that takes connections and answers none, and looks who has the office", async () => {
  const runtime = createSimulatedRuntime(1);
  const config = BrokerConfig.fromSettings(settingsFromObject({}));
  const broker: BrokerImage = {
    brokerId: 2,
    epoch: 2,
    incarnationId: "AAAAAAAAAAAAAAAAAAAAAg",
    endpoints: [{ name: "PLAINTEXT", host: "silent.test", port: 9092, securityProtocol: 0, url: null }],
    features: [],
    rack: null,
    fenced: false,
    inControlledShutdown: false,
    logDirs: [],
  };
  const image = { ...EMPTY_IMAGE, brokers: EMPTY_IMAGE.brokers.set("2", broker) };
  const connector = { connect: async () => createMemoryPair()[0] };
  const links = new BrokerLinks({ nodeId: 1, image: () => image, config: () => config, connector, runtime });
  let lookedUp = 0;
  const channel = new ControllerChannel({
    gateway: {
      controllerId: 2,
      isActive: false,
      submit: () => Promise.reject(new Error("not here")),
      refresh: () => void lookedUp++,
    },
    links,
    registry: () => {
      throw new Error("not here");
    },
    identity: () => ({ brokerId: 1, brokerEpoch: 1 }),
    catchUp: async () => {},
    requestTimeoutMs: () => 30_000,
    runtime,
  });
  const failure = channel.request(brokerHeartbeatApi, 1, BEAT, 5_000).then(
    () => null,
    (error: unknown) => error,
  );
  await runtime.advance(4_900);
  expect(lookedUp).toBe(0);
  await runtime.advance(200);
  expect(lookedUp).toBe(1);
  expect(await failure).toBeInstanceOf(KafkaError);
  expect(((await failure) as KafkaError).errno).toBe(ErrorCode.REQUEST_TIMED_OUT);
  void links.close();
});
