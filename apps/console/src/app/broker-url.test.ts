import { expect, test } from "vitest";
import { brokerUrl } from "./broker-url.ts";

test.each([
  ["http://localhost:9092/", "ws://localhost:9092/kafka"],
  ["http://localhost:9092/#/topics/orders", "ws://localhost:9092/kafka"],
  ["https://app.example.com/bus/?x=1#/live", "wss://app.example.com/bus/kafka"],
  ["https://app.example.com/bus/index.html", "wss://app.example.com/bus/kafka"],
])("of %s it is %s", (page, url) => {
  expect(brokerUrl(page)).toBe(url);
});
