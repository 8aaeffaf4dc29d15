import { describe, expect, it } from "vitest";
import { TestBroker } from "../test-support/test-broker.ts";
import { originsOfBrokers } from "./origins-of-brokers.ts";

describe("the origins of brokers", () => {
  it("are those of the addresses that they are registered with", async () => {
    const listeners = "A://localhost:9092,B://localhost:9093";
    const map = "A:PLAINTEXT,B:PLAINTEXT";
    const advertised = "A://[::1]:9092,B=wss://kafka.example.com:443/behind/a/path";
    const config = { listeners, "advertised.listeners": advertised, "listener.security.protocol.map": map };
    await using broker = await TestBroker.start({ config });
    expect(originsOfBrokers(broker.broker.services.image)).toEqual([
      "http://[::1]:9092",
      "https://[::1]:9092",
      "https://kafka.example.com",
    ]);
  });
});
