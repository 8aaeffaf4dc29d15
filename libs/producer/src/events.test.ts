import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { ErrorCode } from "@ottla/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { Producer } from "./index.ts";
import { setUp } from "./test-support/set-up.ts";

function listen(producer: Producer): string[] {
  const told: string[] = [];
  for (const name of ["stall", "recovered"] as const)
    producer.on(name, ({ operation }) => told.push(`${name}: ${operation}`));
  return told;
}

describe("what a producer tells of", () => {
  test("a broker that is gone for long is a stall, and sends go on when it is back", async () => {
    const { runtime, cluster, producer, within } = setUp();
    await within(producer.send({ topic: "orders", partition: 0, value: "a" }));
    const told = listen(producer);
    cluster.stop(1);
    const sent = producer.send({ topic: "orders", partition: 0, value: "b" });
    await runtime.advance(30_000);
    expect(told).toEqual(["stall: connect to broker 1"]);
    cluster.start(1);
    expect((await within(sent)).offset).toBe(1);
    expect(told).toContain("recovered: connect to broker 1");
    expect(told.filter((line) => line.startsWith("stall"))).toHaveLength(1);
  });

  test("too few replicas for long are a stall of that partition alone, told of once", async () => {
    const { runtime, cluster, producer, within } = setUp();
    const retries: string[] = [];
    producer.on("retry", ({ operation, error }) => retries.push(`${operation}: ${error.code}`));
    const told = listen(producer);
    let isShort = true;
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" && isShort ? { kind: "error", errorCode: ErrorCode.NOT_ENOUGH_REPLICAS } : undefined;
    const sent = producer.send({ topic: "orders", partition: 1, value: "a" });
    await runtime.advance(9_000);
    expect(new Set(retries)).toEqual(new Set(["produce to orders-1: NOT_ENOUGH_REPLICAS"]));
    expect(told).toEqual([]);
    await runtime.advance(15_000);
    expect(told).toEqual(["stall: produce to orders-1"]);
    isShort = false;
    await within(sent);
    expect(told).toEqual(["stall: produce to orders-1", "recovered: produce to orders-1"]);
    const before = retries.length;
    await within(producer.send({ topic: "orders", partition: 1, value: "b" }));
    expect(retries).toHaveLength(before);
  });

  test("in Node.js it is published for the whole process, too", async () => {
    const { cluster, producer, within } = setUp({ clientId: "till-5" });
    const published: unknown[] = [];
    const onMessage = (message: unknown) => published.push(message);
    subscribe("ottla:producer:retry", onMessage);
    onTestFinished(() => void unsubscribe("ottla:producer:retry", onMessage));
    let fails = 1;
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" && fails-- > 0 ? { kind: "error", errorCode: ErrorCode.NOT_ENOUGH_REPLICAS } : undefined;
    await within(producer.send({ topic: "orders", partition: 0, value: "a" }));
    expect(published).toMatchObject([{ clientId: "till-5", operation: "produce to orders-0" }]);
  });

  test("who does not want to hear more is told no more", async () => {
    const { cluster, producer, within } = setUp();
    let heard = 0;
    const stop = producer.on("retry", () => heard++);
    let fails = 1;
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" && fails-- > 0 ? { kind: "error", errorCode: ErrorCode.NOT_ENOUGH_REPLICAS } : undefined;
    await within(producer.send({ topic: "orders", partition: 0, value: "a" }));
    stop();
    fails = 1;
    await within(producer.send({ topic: "orders", partition: 0, value: "b" }));
    expect(heard).toBe(1);
  });

  test.each([
    [["stalled", () => {}], 'on takes the name of an event, and was given "stalled": retry, stall, recovered.'],
    [[undefined, () => {}], "on takes the name of an event, and was given undefined"],
    [["stall"], "on takes the name of an event and a function"],
  ])("on(%j) says what is wrong", (args, message) => {
    const producer = new Producer({ bootstrapServers: "localhost:1" });
    expect(() => (producer.on as (...args: unknown[]) => void).apply(producer, args)).toThrow(message);
  });
});
