import { tracingChannel } from "node:diagnostics_channel";
import { FakeCluster } from "@ottla/client/test-support";
import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test } from "vitest";
import { Producer, type RecordMetadata, type SendContext } from "./index.ts";

type Ended = SendContext & { readonly result?: unknown; readonly error?: unknown };

async function traced(work: (producer: Producer) => Promise<unknown>) {
  const runtime = createSimulatedRuntime(1);
  const cluster = new FakeCluster({ runtime, topics: { orders: 1 } });
  const { connector, bootstrapServers } = cluster;
  const producer = new Producer({ bootstrapServers, connector, runtime, clientId: "me" });
  const ended: Ended[] = [];
  const subscribers = {
    start({ records }: SendContext) {
      for (const { headers } of records) headers.push(["traceparent", "00-1-2-01"]);
    },
    asyncEnd: (context: Ended) => void ended.push(context),
  };
  const channel = tracingChannel<unknown, SendContext>("ottla:producer:send");
  channel.subscribe(subscribers as never);
  try {
    const working = work(producer).catch(() => {});
    await runtime.advance(100);
    await working;
  } finally {
    channel.unsubscribe(subscribers as never);
    await producer.close({ timeoutMs: 0 });
  }
  return { ended, records: cluster.partition("orders", 0).records };
}

test("a tracer sees a send from start to end, and gives the records headers", async () => {
  const headers = { a: "1" };
  const { ended, records } = await traced((producer) => producer.send({ topic: "orders", value: "v", headers }));
  expect(records[0]!.headers).toEqual([
    ["a", "1"],
    ["traceparent", "00-1-2-01"],
  ]);
  expect(headers).toEqual({ a: "1" });
  expect(ended).toMatchObject([{ clientId: "me", records: [{ topic: "orders", value: "v" }] }]);
  expect((ended[0]!.result as RecordMetadata).offset).toBe(0);
});

test("of a record whose fields are those of a class all are sent", async () => {
  class Read {
    readonly topic = "orders";
    get value() {
      return "v";
    }
    get key() {
      return "k";
    }
  }
  const { ended, records } = await traced((producer) => producer.send(new Read()));
  expect(ended[0]!.records).toMatchObject([{ topic: "orders", key: "k", value: "v" }]);
  expect(records).toMatchObject([{ key: "k", value: "v" }]);
});

test("an array is one send, each of whose records gets them", async () => {
  const { ended, records } = await traced((producer) =>
    producer.send([
      { topic: "orders", value: "1" },
      { topic: "orders", value: "2" },
    ]),
  );
  expect(records.map(({ headers }) => headers)).toEqual(Array(2).fill([["traceparent", "00-1-2-01"]]));
  expect(ended).toHaveLength(1);
});

test("it hears of a send that failed", async () => {
  const { ended } = await traced((producer) => producer.send({ topic: "", value: "v" }));
  expect(ended).toMatchObject([{ error: { code: "INVALID_ARGUMENT" } }]);
});
