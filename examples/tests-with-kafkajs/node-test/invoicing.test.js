import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "@ottla/testing";
import { startInvoicing } from "../invoicing.js";

test("an order gets an invoice", async (t) => {
  const broker = await startTestBroker({ topics: ["orders", "invoices"] });
  const service = await startInvoicing([broker.bootstrapServers]);
  t.after(async () => {
    await service.close(); // first: kafkajs would look for its broker for a long time
    await broker.close();
  });

  await broker.produce("orders", { key: "k1", value: "12 apples" });
  const [invoice] = await broker.records("invoices", { count: 1 });
  assert.equal(invoice.value, "invoice of 12 apples");
});
