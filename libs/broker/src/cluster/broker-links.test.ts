import { type BrokerImage, EMPTY_IMAGE } from "@ottla/metadata";
import { createSimulatedRuntime } from "@ottla/runtime";
import { createMemoryPair } from "@ottla/transport";
import { expect, it } from "vitest";
import { BrokerConfig } from "../config/broker-config.ts";
import { settingsFromObject } from "../config/config-sources.ts";
import { BrokerLinks } from "./broker-links.ts";

const endpoint = (name: string) => ({
  ...{ name, host: `${name.toLowerCase()}.test`, port: 9092, securityProtocol: 0, url: null },
});
const OTHER: BrokerImage = {
  ...{ brokerId: 2, epoch: 2, incarnationId: "AAAAAAAAAAAAAAAAAAAAAg", rack: null, features: [], logDirs: [] },
  ...{ endpoints: [endpoint("EDGE"), endpoint("BROKERS")], fenced: false, inControlledShutdown: false },
};

it.each([
  [{}, "edge.test"],
  [{ "inter.broker.listener.name": "BROKERS" }, "brokers.test"],
  [{ "inter.broker.listener.name": "brokers" }, "brokers.test"],
  [{ "inter.broker.listener.name": "elsewhere" }, null],
])("with %j another broker is asked at %s", async (values, host) => {
  const runtime = createSimulatedRuntime(1);
  const image = { ...EMPTY_IMAGE, brokers: EMPTY_IMAGE.brokers.set("2", OTHER) };
  const hosts: unknown[] = [];
  const connector = {
    connect: async (address: object) => {
      hosts.push("host" in address ? address.host : address);
      return createMemoryPair()[0];
    },
  };
  const config = BrokerConfig.fromSettings(settingsFromObject(values));
  const links = new BrokerLinks({ nodeId: 1, image: () => image, config: () => config, connector, runtime });
  const connecting = links.to(2, "test")?.connect();
  connecting?.catch(() => {});
  await runtime.advance(1);
  expect(hosts).toEqual(host === null ? [] : [host]);
  await links.close();
});
