import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test } from "vitest";
import { Consumer, type ProcessContext } from "./index.ts";
import { FakeKafka } from "./test-support/fake-kafka.ts";
import { settle } from "./test-support/reading.ts";

test("each call of a handler is traced, in the scope that the tracer has bound", async () => {
  const runtime = createSimulatedRuntime(1);
  const kafka = new FakeKafka(runtime, { t: 1 });
  kafka.append("t", 0, ["a", "b"]);
  const options = { groupId: "g", clientId: "me", topics: "t", autoOffsetReset: "earliest" } as const;
  const consumer = new Consumer({ ...kafka.clientOptions, ...options });
  const channel = tracingChannel<string, ProcessContext>("ottla:consumer:process");
  const scope = new AsyncLocalStorage<string>();
  channel.start.bindStore(scope, ({ record }) => `span of ${record.value}`);
  const told: string[] = [];
  const line = ({ clientId, groupId, record, attempt }: ProcessContext) =>
    `${clientId} ${groupId} ${record.value} ${attempt}`;
  const subscribers = {
    asyncEnd: (context: ProcessContext & { error?: unknown }) => {
      told.push(`${line(context)} ${context.error === undefined ? "done" : "failed"}`);
    },
  };
  channel.subscribe(subscribers as never);

  const scopes: (string | undefined)[] = [];
  const running = consumer.run({ retry: { retries: 1, backoffMs: 10 } }, async (record, { attempt }) => {
    await runtime.settle();
    scopes.push(scope.getStore());
    if (record.value === "b" && attempt === 1) throw new Error("not yet");
  });
  await runtime.advance(1_000);
  await settle(runtime, consumer.close());
  await running;
  channel.unsubscribe(subscribers as never);
  channel.start.unbindStore(scope);
  await runtime.advance(1_000);

  expect(scopes).toEqual(["span of a", "span of b", "span of b"]);
  expect(told).toEqual(["me g a 1 done", "me g b 1 failed", "me g b 2 done"]);
});
