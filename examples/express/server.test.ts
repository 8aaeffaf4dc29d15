import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startTestBroker } from "@ottla/testing";
import { createApp } from "./server.ts";

/** Reads events, until so many have come. */
async function readEvents(url: string, count: number, lastEventId?: string): Promise<{ id: string; data: string }[]> {
  const headers = new Headers(lastEventId === undefined ? {} : { "last-event-id": lastEventId });
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(15_000) });
  let text = "";
  const events = () =>
    [...text.matchAll(/id: (.*)\ndata: (.*)\n\n/g)].map(([, id, data]) => ({ id: id!, data: data! }));
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (events().length >= count) return events();
  }
  throw new Error(`the stream ended after: ${text}`);
}

test("orders come out as events, and a page goes on where it was", async () => {
  await using broker = await startTestBroker({ topics: [{ name: "orders", partitions: 3 }] });
  const { app, close } = createApp(broker.bootstrapServers);
  const server = app.listen(0, "localhost");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const order = async (body: unknown) => {
    const headers = { "content-type": "application/json" };
    return await fetch(`${url}/orders`, { method: "POST", headers, body: JSON.stringify(body) });
  };
  try {
    assert.equal((await order({ customer: "ann" })).status, 400);
    assert.equal((await order({ customer: "ann", item: "apples" })).status, 201);
    const seen = await readEvents(`${url}/events`, 1, "0:0,1:0,2:0");
    assert.deepEqual(JSON.parse(seen[0]!.data), { key: "ann", value: "apples" });

    await order({ customer: "bob", item: "pears" }); // while nobody listens
    const [missed] = await readEvents(`${url}/events`, 1, seen[0]!.id);
    assert.deepEqual(JSON.parse(missed!.data), { key: "bob", value: "pears" });
  } finally {
    server.close();
    server.closeAllConnections();
    await close();
  }
});
