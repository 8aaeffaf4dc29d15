import assert from "node:assert/strict";
import { test } from "node:test";
import { Consumer, readTopics } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { startTestBroker } from "@ottla/testing";
import { orders } from "./orders.ts";

test("what does not fit the schema is neither sent nor read", async () => {
  await using broker = await startTestBroker({ topics: ["orders"] });
  const { bootstrapServers } = broker;
  await using producer = new Producer({ bootstrapServers });

  assert.throws(() => orders.record({ key: "ann", value: { item: "apples", quantity: -1 } }), /quantity/);
  // @ts-expect-error the schema is a type too
  assert.throws(() => orders.record({ key: "ann", value: { item: "apples" } }), /quantity/);

  await broker.produce("orders", { key: "eve", value: '{"item":"pears"}' }); // by somebody who does not check
  await producer.send(orders.record({ key: "ann", value: { item: "apples", quantity: 12 } }));

  const options = { bootstrapServers, groupId: "readers", topics: ["orders"], autoOffsetReset: "earliest" } as const;
  await using consumer = new Consumer(options);
  for await (const { key, value } of readTopics(consumer, [orders], { onInvalid: "skip" })) {
    assert.equal(key, "ann");
    assert.equal(value.quantity, 12);
    assert.match(value.orderedAt, /^\d{4}-/); // the schema's default
    break;
  }
});
