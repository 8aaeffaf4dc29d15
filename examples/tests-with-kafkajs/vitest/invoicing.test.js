import { startTestBroker } from "@ottla/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startInvoicing } from "../invoicing.js";

let broker;
let service;

beforeEach(async () => {
  broker = await startTestBroker({ topics: ["orders", "invoices"] });
  service = await startInvoicing([broker.bootstrapServers]);
});
afterEach(async () => {
  await service.close();
  await broker.close();
});

test("an order gets an invoice", async () => {
  await broker.produce("orders", { key: "k1", value: "12 apples" });
  expect(await broker.records("invoices", { count: 1 })).toMatchObject([{ key: "k1", value: "invoice of 12 apples" }]);
});

test("it gets one too when the first try fails", async () => {
  const fault = broker.faults.inject({ api: "Produce", topic: "invoices", times: 1, error: "NOT_LEADER_OR_FOLLOWER" });
  await broker.produce("orders", { key: "k1", value: "12 apples" });
  expect(await broker.records("invoices", { count: 1 })).toMatchObject([{ value: "invoice of 12 apples" }]);
  expect(fault.hits).toBe(1);
});
