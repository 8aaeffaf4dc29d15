import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "@ottla/testing";
import { startInvoicing } from "./invoicing.ts";

test("each order gets an invoice, and a bad one goes aside", async () => {
  await using broker = await startTestBroker({ topics: ["orders", "invoices", "orders.failed"] });
  const service = await startInvoicing(broker.bootstrapServers);
  try {
    await broker.produce("orders", [
      { key: "ann", value: '{"amount":10}' },
      { key: "bob", value: "rubbish" },
      { key: "ann", value: '{"amount":20}' },
    ]);
    const invoices = await broker.records("invoices", { count: 2 });
    assert.deepEqual(
      invoices.map(({ value }) => value),
      ['{"customer":"ann","total":12}', '{"customer":"ann","total":24}'],
    );
    const [failed] = await broker.records("orders.failed", { count: 1 });
    assert.equal(failed?.value, "rubbish");
  } finally {
    await service.close();
  }
});

test("nothing is lost when the broker goes down for a while", async () => {
  await using broker = await startTestBroker({ topics: ["orders", "invoices"] });
  await broker.produce("orders", { key: "ann", value: '{"amount":10}' });
  await broker.kill();
  const service = await startInvoicing(broker.bootstrapServers);
  await broker.restart();
  try {
    const [invoice] = await broker.records("invoices", { count: 1, timeoutMs: 15_000 });
    assert.equal(invoice?.key, "ann");
  } finally {
    await service.close();
  }
});
