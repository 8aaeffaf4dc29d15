import { describe, expect, it } from "vitest";
import { BrokerConfig } from "./broker-config.ts";
import { ConfigError } from "./config-error.ts";
import { settingsFromObject } from "./config-sources.ts";
import { interBrokerListenerOf, listenersOf, unadvertisedWildcards } from "./listeners.ts";

const parse = (values: Readonly<Record<string, string>>) =>
  listenersOf(BrokerConfig.fromSettings(settingsFromObject(values)));

describe("listeners", () => {
  it("are one on loopback by default", () => {
    expect(parse({})).toEqual([{ name: "PLAINTEXT", host: undefined, port: 9092, advertised: undefined }]);
  });

  it.each([
    ["PLAINTEXT://localhost:9092", undefined],
    ["PLAINTEXT://:9092", "::"],
    ["PLAINTEXT://0.0.0.0:9092", "0.0.0.0"],
    ["PLAINTEXT://[::]:9092", "::"],
    ["PLAINTEXT://[::1]:9092", "::1"],
    ["plaintext://10.0.0.1:9092", "10.0.0.1"],
    ["PLAINTEXT://broker.example:9092", "broker.example"],
  ])("%s binds %s", (listeners, host) => {
    expect(parse({ listeners })).toMatchObject([{ name: "PLAINTEXT", host, port: 9092 }]);
  });

  it("may be several, each with its advertised address", () => {
    const listeners = parse({
      listeners: "INTERNAL://localhost:9092,EXTERNAL://:9093,WS://localhost:9094",
      "advertised.listeners": "EXTERNAL://kafka.example:19093,wss://kafka.example/bus",
      "listener.security.protocol.map": "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
    });
    expect(listeners).toEqual([
      { name: "INTERNAL", host: undefined, port: 9092, advertised: undefined },
      { name: "EXTERNAL", host: "::", port: 9093, advertised: { host: "kafka.example", port: 19093 } },
      { name: "WS", host: undefined, port: 9094, advertised: { url: "wss://kafka.example/bus" } },
    ]);
  });

  it("tell TCP clients one address and WebSocket clients another, where a listener serves both", () => {
    const advertised = "PLAINTEXT://kafka.example:19092,wss://kafka.example/bus";
    expect(parse({ "advertised.listeners": advertised })).toMatchObject([
      { advertised: { host: "kafka.example", port: 19092, url: "wss://kafka.example/bus" } },
    ]);
  });

  it("take a URL of their own by name", () => {
    const [plain, edge] = parse({
      listeners: "PLAINTEXT://localhost:9092,EDGE://localhost:9093",
      "advertised.listeners": "EDGE=wss://edge.example/kafka",
      "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,EDGE:PLAINTEXT",
    });
    expect(plain!.advertised).toBeUndefined();
    expect(edge!.advertised).toEqual({ url: "wss://edge.example/kafka" });
  });

  it("leave KRaft's controllers out", () => {
    const listeners = parse({
      listeners: "PLAINTEXT://:9092,CONTROLLER://:9093",
      "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
      "controller.listener.names": "CONTROLLER",
    });
    expect(listeners.map(({ name }) => name)).toEqual(["PLAINTEXT"]);
  });

  it.each([
    [{ listeners: "9092" }, /listeners=9092: an entry has the form NAME:\/\/host:port/],
    [{ listeners: "PLAINTEXT://localhost" }, /the form/],
    [{ listeners: "PLAINTEXT://localhost:70000" }, /the port must be from 0 to 65535/],
    [{ listeners: "PLAINTEXT://a:1,PLAINTEXT://b:2" }, /a name of its own/],
    [{ listeners: "SSL://localhost:9092" }, /SSL is not supported yet/],
    [{ listeners: "EDGE://localhost:9092" }, /EDGE:PLAINTEXT/],
    [{ "listener.security.protocol.map": "PLAINTEXT" }, /NAME:PROTOCOL/],
    [{ "advertised.listeners": "OTHER://a:1" }, /no listener of that name \(there is PLAINTEXT\)/],
    [{ "advertised.listeners": "PLAINTEXT://0.0.0.0:9092" }, /clients cannot connect to every interface/],
    [{ "advertised.listeners": "wss://" }, /no valid URL/],
    [{ "advertised.listeners": "wss://kafka.example.com/#top" }, /no valid URL/],
    [{ listeners: "C://:1", "controller.listener.names": "C" }, /no listener for clients/],
  ])("refuse %j", (values, message) => {
    expect(() => parse(values as Record<string, string>)).toThrow(ConfigError);
    expect(() => parse(values as Record<string, string>)).toThrow(message);
  });

  it("of brokers among themselves: by name in any case, which one of them has to have", () => {
    const two = { listeners: "PLAINTEXT://localhost:9092,Edge://localhost:9093" };
    const nameOf = (name: string) => {
      const values = { ...two, "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,EDGE:PLAINTEXT" };
      const config = BrokerConfig.fromSettings(settingsFromObject({ ...values, "inter.broker.listener.name": name }));
      listenersOf(config);
      return interBrokerListenerOf(config);
    };
    expect(["edge", " EDGE ", "plaintext"].map(nameOf)).toEqual(["EDGE", "EDGE", "PLAINTEXT"]);
    expect(interBrokerListenerOf(BrokerConfig.fromSettings([]))).toBeNull();
    expect(() => nameOf("REPLICATION")).toThrow(
      "inter.broker.listener.name=REPLICATION: there is no listener of that name (there is PLAINTEXT, EDGE)",
    );
  });

  it("that bind every interface without saying what to advertise are worth a warning", () => {
    const warned = (values: Record<string, string>) => unadvertisedWildcards(parse(values)).length;
    expect(warned({})).toBe(0);
    expect(warned({ listeners: "PLAINTEXT://:9092" })).toBe(1);
    expect(warned({ listeners: "PLAINTEXT://0.0.0.0:9092" })).toBe(1);
    expect(warned({ listeners: "PLAINTEXT://:9092", "advertised.listeners": "PLAINTEXT://a:1" })).toBe(0);
  });
});
