import { Consumer, readTopics } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { orders } from "./orders.ts";

const bootstrapServers = process.env.BOOTSTRAP_SERVERS ?? "localhost:9092";

await using producer = new Producer({ bootstrapServers });
await producer.send(orders.record({ key: "ann", value: { item: "apples", quantity: 12 } }));

await using consumer = new Consumer({
  bootstrapServers,
  groupId: "readers",
  topics: ["orders"],
  autoOffsetReset: "earliest",
});
for await (const { key, value } of readTopics(consumer, [orders], { onInvalid: "skip" })) {
  console.log(`${key} wants ${value.quantity} ${value.item}`); // `value` has the schema's type
  break;
}
