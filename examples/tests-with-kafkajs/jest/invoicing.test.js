import { startTestBroker } from "@ottla/testing";
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
