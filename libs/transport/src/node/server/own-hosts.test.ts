import { expect, test } from "vitest";
import { ownHosts } from "./own-hosts.ts";

const protocols = ["kafka", "http", "ws"] as const;

test.each([
  { advertised: undefined, known: [] },
  { advertised: { host: "Kafka.example.com", port: 9092 }, known: ["kafka.example.com"] },
  { advertised: { url: "wss://ws.example.com/kafka" }, known: ["ws.example.com"] },
  {
    advertised: { host: "kafka.example.com", port: 9092, url: "wss://ws.example.com/kafka" },
    known: ["kafka.example.com", "ws.example.com"],
  },
])("a listener that advertises $advertised goes by $known", ({ advertised, known }) => {
  const isOwnHost = ownHosts({ name: "PLAINTEXT", port: 9092, protocols, ...(advertised && { advertised }) });
  const asked = ["localhost", "127.0.0.1", "::1", "kafka.example.com", "ws.example.com", "evil.com"];
  expect(asked.filter(isOwnHost)).toEqual(["localhost", "127.0.0.1", "::1", ...known]);
});
