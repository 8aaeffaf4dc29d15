import { expect, it } from "vitest";
import { otherOriginsOf } from "./origins.ts";

const at = (url: string, isFenced = false) => ({ address: { host: "h", port: 1, url }, isFenced });

it("brokers serve HTTP where they serve WebSocket; the page's own and fenced ones are not asked", () => {
  const brokers = [
    at("ws://one:9092/kafka"),
    at("ws://two:9093/kafka"),
    at("wss://three.example/kafka"),
    at("ws://gone:9094/kafka", true),
    { address: { host: "tcp", port: 9092 }, isFenced: false },
  ];
  expect(otherOriginsOf(brokers, "http://one:9092")).toEqual(["http://two:9093", "https://three.example"]);
});
