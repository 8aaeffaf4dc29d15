import { describe, expect, test } from "vitest";
import { addressOfBroker } from "./broker-address.ts";

const TCP = { host: "first", port: 9092 };
const WEBSOCKET = { host: "proxy", port: 443, url: "wss://proxy/kafka?tenant=a" };

describe("where a broker is reached", () => {
  test("by a client that came in over TCP: at host and port, whatever URL it has", () => {
    const broker = { host: "b1", port: 9093, url: "ws://b1:8080/kafka" };
    expect(addressOfBroker(broker, TCP)).toEqual({ host: "b1", port: 9093 });
  });

  test("by a client that came in over WebSocket: at its URL", () => {
    const broker = { host: "b1", port: 9093, url: "ws://b1:8080/kafka" };
    const bootstrap = { host: "proxy", port: 80, url: "ws://proxy/kafka" };
    expect(addressOfBroker(broker, bootstrap)).toEqual({ host: "b1", port: 8080, url: "ws://b1:8080/kafka" });
  });

  test("by a client that came in over TLS: never without", () => {
    const broker = { host: "b1", port: 9093, url: "ws://b1/kafka" };
    expect(addressOfBroker(broker, WEBSOCKET)).toEqual({ host: "b1", port: 443, url: "wss://b1/kafka" });
  });

  test.each([
    ["wss://b1/kafka", 443],
    ["ws://b1/", 80],
  ])("%s without a port means port %i", (url, port) => {
    const bootstrap = { host: "proxy", port: 80, url: "ws://proxy/kafka" };
    expect(addressOfBroker({ host: "b1", port: 9093, url }, bootstrap).port).toBe(port);
  });

  test("without a URL scheme, path and query of the bootstrap URL stay", () => {
    const address = addressOfBroker({ host: "b1", port: 9093, url: null }, WEBSOCKET);
    expect(address).toEqual({ host: "b1", port: 9093, url: "wss://b1:9093/kafka?tenant=a" });
  });

  test("a URL that is none counts as absent", () => {
    const address = addressOfBroker({ host: "b1", port: 9093, url: "nonsense" }, WEBSOCKET);
    expect(address.url).toBe("wss://b1:9093/kafka?tenant=a");
  });

  test("an IPv6 host gets its brackets", () => {
    expect(addressOfBroker({ host: "::1", port: 9093, url: null }, WEBSOCKET).url).toBe(
      "wss://[::1]:9093/kafka?tenant=a",
    );
  });
});
