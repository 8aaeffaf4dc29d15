import { inspect } from "node:util";
import { ErrorCode, initProducerIdApi } from "@ottla/protocol";
import { describe, expect, test } from "vitest";
import type { ArraySendError } from "./index.ts";
import { setUp } from "./test-support/set-up.ts";

describe("failing", () => {
  test("what the broker refuses for good rejects with its error", async () => {
    const { cluster, producer, rejection, within } = setUp();
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED } : undefined;
    const error = await rejection(producer.send({ topic: "orders", partition: 0, value: "v" }));
    expect(error).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", retriable: false });
    expect(error.message).toContain("orders-0");
    cluster.faultOf = () => undefined;
    expect((await within(producer.send({ topic: "orders", partition: 0, value: "v" }))).offset).toBe(0);
  });

  test("an array that fails in part tells of each record", async () => {
    const { cluster, producer, rejection } = setUp();
    cluster.partition("orders", 1).maxMessageBytes = 100;
    const large = "x".repeat(200);
    const error = (await rejection(
      producer.send([
        { topic: "orders", partition: 0, value: "small" },
        { topic: "orders", partition: 1, value: "small" },
        { topic: "orders", partition: 1, value: large },
        { topic: "orders", partition: 1, value: "small again" },
      ]),
    )) as ArraySendError;
    expect(error).toMatchObject({ name: "ArraySendError", code: "MESSAGE_TOO_LARGE" });
    expect(error.message).toContain("1 of 4 records were not written");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(inspect(error), "a program that prints the error").not.toContain("fulfilled");
    expect(producer.metrics().batchSplitTotal).toBeGreaterThan(0);
  });

  test("an array that its caller goes on to use is sent, and answered for, as it was given", async () => {
    const { cluster, producer, rejection, within, values } = setUp();
    const buffer = ["a", "b"].map((value) => ({ topic: "orders", partition: 0, value }));
    const emptied = (): Promise<unknown> => {
      const given = [...buffer];
      const sent = producer.send(given);
      given.length = 0;
      return sent;
    };
    expect(await within(emptied()), "while it waited for metadata").toHaveLength(2);
    expect(await within(emptied()), "while it was on its way").toHaveLength(2);
    expect(values(0)).toEqual(["a", "b", "a", "b"]);

    const grows = [...buffer];
    const sent = producer.send(grows);
    grows.push({ topic: "orders", partition: 0, value: "of the next call" });
    expect(await within(sent)).toHaveLength(2);

    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED } : undefined;
    expect(await rejection(emptied())).toMatchObject({ name: "ArraySendError", outcomes: { length: 2 } });
  });

  test("an array with a record that cannot be sent is not sent at all", async () => {
    const { producer, rejection, within, values } = setUp({ maxRequestSize: 1_000 });
    const good = { topic: "orders", partition: 0, value: "good" };
    await within(producer.send(good));
    const wrong = [{ ...good, value: 5 as never }, { ...good, value: "x".repeat(1_000) }, null as never];
    for (const each of wrong) {
      const error = (await rejection(producer.send([good, each, good]))) as ArraySendError;
      const alone = await rejection(producer.send(each));
      expect(error).toMatchObject({ name: "ArraySendError", code: alone.code });
      expect(error.message).toContain(`3 of 3 records were not written, the first at 1: `);
      expect(error.outcomes.map(({ status }) => status)).toEqual(Array(3).fill("rejected"));
    }
    await within(producer.flush());
    expect(values(0)).toEqual(["good"]);
  });

  test("nor one of which a serializer cannot do a record", async () => {
    const failure = new Error("cannot");
    const serialize = (value: string) => {
      if (value === "bad") throw failure;
      return value;
    };
    const { producer, within, values } = setUp({ valueSerializer: { serialize } as never });
    const records = ["good", "bad"].map((value) => ({ topic: "orders", partition: 0, value: value as never }));
    await expect(within(producer.send(records))).rejects.toBe(failure);
    await within(producer.flush());
    expect(values(0)).toEqual([]);
  });

  test("an array ends at a record whose place turns out not to exist: what is before it is sent", async () => {
    const { producer, rejection, values } = setUp();
    const records = [0, 7, 0].map((partition, index) => ({ topic: "orders", partition, value: `${index}` }));
    const error = (await rejection(producer.send(records))) as ArraySendError;
    expect(error.message).toContain('2 of 3 records were not written, the first at 1: Topic "orders" has');
    expect(error.outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(values(0)).toEqual(["0"]);
  });

  test("a record that the buffer memory can never hold is refused", async () => {
    const { producer, rejection, within } = setUp({ bufferMemory: 1_000 });
    for (const partition of [0, undefined]) {
      const record = { topic: "orders", value: "x".repeat(1_001), ...(partition === undefined ? {} : { partition }) };
      const error = await rejection(producer.send(record));
      expect(error).toMatchObject({
        code: "MESSAGE_TOO_LARGE",
        message: expect.stringContaining("bufferMemory, 1000"),
      });
      await within(producer.send({ topic: "orders", value: "x".repeat(900) }));
    }
  });

  test("a record larger than maxRequestSize is refused before it is sent, with advice", async () => {
    const { producer, rejection, within } = setUp({ maxRequestSize: 1_000 });
    const error = await rejection(producer.send({ topic: "orders", value: "x".repeat(1_000) }));
    expect(error.code).toBe("MESSAGE_TOO_LARGE");
    expect(error.message).toContain("maxRequestSize");
    await within(producer.send({ topic: "orders", value: "x".repeat(900) }));
  });

  test("after the delivery timeout the error says what went wrong", async () => {
    const { cluster, producer, rejection, within } = setUp({ deliveryTimeoutMs: 5_000, requestTimeoutMs: 1_000 });
    await within(producer.send({ topic: "orders", partition: 0, value: "first" }));
    cluster.faultOf = ({ apiName }) =>
      apiName === "Produce" ? { kind: "error", errorCode: ErrorCode.NOT_ENOUGH_REPLICAS } : undefined;
    const error = await rejection(producer.send({ topic: "orders", partition: 0, value: "v" }));
    expect(error.code).toBe("REQUEST_TIMED_OUT");
    expect(error.cause).toMatchObject({ code: "NOT_ENOUGH_REPLICAS" });
    expect(error.message).toContain("5000 ms (deliveryTimeoutMs)");
  });

  test("a topic's name with half a surrogate pair is refused at once, and others go on", async () => {
    const { producer, rejection, within } = setUp();
    const error = await rejection(producer.send({ topic: "orders\ud800", value: "v" }));
    expect(error).toMatchObject({ code: "INVALID_TOPIC_EXCEPTION", retriable: false });
    expect(error.message).toContain('Topic "orders\\ud800" (half a surrogate)');
    await within(producer.send({ topic: "orders", value: "\ud83d\ude00" }));
    expect(() => setUp({ transactionalId: "\ud800" })).toThrow("transactionalId is");
  });

  test("with no broker at all, records expire and say which cannot be reached", async () => {
    const { cluster, producer, rejection } = setUp({ maxBlockMs: 3_000 });
    cluster.stop(1);
    const error = await rejection(producer.send({ topic: "orders", value: "v" }));
    expect(error.message).toContain("fake:9093");
  });

  test("where no producer id is to be had, sends say so", async () => {
    const { cluster, producer, rejection } = setUp();
    cluster.handle(initProducerIdApi, () => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      producerEpoch: -1,
    }));
    expect((await rejection(producer.send({ topic: "orders", value: "v" }))).code).toBe("CLUSTER_AUTHORIZATION_FAILED");
  });

  test("a leader that moved is followed by what the response says, without asking for metadata", async () => {
    const { cluster, producer, within } = setUp({ cluster: { brokers: 2 } });
    cluster.givesLeaderHints = true;
    await within(producer.send({ topic: "orders", partition: 0, value: "v" }));
    cluster.requestCounts.clear();
    cluster.moveLeader("orders", 0, 2);
    expect((await within(producer.send({ topic: "orders", partition: 0, value: "v" }))).offset).toBe(1);
    expect(cluster.requestCounts.get("Metadata")).toBeUndefined();
  });

  test("what waits for an answer of the former leader goes on at the new one once it has come", async () => {
    let latencyMs = 1;
    const options = { brokers: 2, latencyMs: () => latencyMs };
    const { runtime, cluster, producer, within } = setUp({ maxInFlightRequestsPerConnection: 1, cluster: options });
    await within(producer.send([0, 1].map((partition) => ({ topic: "orders", partition, value: "v" }))));
    const first = producer.send({ topic: "orders", partition: 0, value: "taken by broker 1" });
    await runtime.settle();
    latencyMs = 3_000; // of the answer
    await runtime.advance(2);
    latencyMs = 1;
    cluster.moveLeader("orders", 0, 2);
    cluster.createTopic("new", 1);
    const other = producer.send({ topic: "new", value: "has the metadata refreshed" });
    await runtime.advance(1_000);
    const second = producer.send({ topic: "orders", partition: 0, value: "for broker 2" });
    const startedAtMs = runtime.clock.monotonicMs();
    await within(Promise.all([first, other, second]));
    expect(runtime.clock.monotonicMs() - startedAtMs).toBeLessThan(5_000);
  });

  test.each([
    [undefined as never, "send takes a record"],
    [null as never, "send takes a record"],
    ["orders" as never, "send takes a record"],
    [{ topic: "" }, "record.topic"],
    [{ topic: "orders", timestampMs: -5 }, "record.timestampMs is -5"],
    [{ topic: "orders", timestampMs: 1.5 }, "record.timestampMs is 1.5"],
    [{ topic: "orders", partition: "0" as never }, 'record.partition is "0"'],
    [{ topic: "orders", partition: 0n as never }, "record.partition is 0n"],
    [{ topic: "orders", timestampMs: 5n as never }, "record.timestampMs is 5n"],
    [{ topic: 0n as never }, "record.topic is 0n"],
    [{ topic: "orders", partition: 0.5 }, "there is no partition 0.5"],
    [{ topic: "orders", value: 5 as never }, "valueSerializer"],
    [{ topic: "orders", key: {} as never }, "keySerializer"],
    [{ topic: "orders", value: new Proxy(new Uint8Array(2), {}) }, "valueSerializer"],
    [{ topic: "orders", key: new Proxy(new Uint8Array(2), {}) }, "keySerializer"],
    [{ topic: "orders", headers: [["a"]] as never }, "headers must be"],
    [{ topic: "orders", headers: [["a", "b", "c"]] as never }, "headers must be"],
    [{ topic: "orders", headers: { a: new Proxy(new Uint8Array(2), {}) } }, "headers must be"],
    [{ topic: "orders", headers: "a=b" as never }, "headers must be"],
    [{ topic: "orders", headers: new Map([["a", "b"]]) as never }, "or a plain object"],
    [{ topic: "orders", headers: new Set([["a", "b"]]) as never }, "or a plain object"],
    [{ topic: "orders", headers: new Headers({ a: "b" }) as never }, "or a plain object"],
  ])("a record that cannot be sent is refused: %o", async (record, message) => {
    const { producer, rejection } = setUp();
    const error = await rejection(producer.send(record));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(message);
  });

  test.each([
    [{ acks: 2 as never }, 'acks is 2; it must be "all", 1 or 0.'],
    [{ acks: 1, idempotence: true }, "idempotence is true"],
    [{ maxInFlightRequestsPerConnection: 6 }, "maxInFlightRequestsPerConnection is 6; it must be at most 5"],
    [{ deliveryTimeoutMs: 10 }, "deliveryTimeoutMs is 10; it must be at least lingerMs + requestTimeoutMs"],
    [{ lingerMs: -1 }, "lingerMs is -1"],
    [{ batchSize: "16k" as never }, 'batchSize is "16k"'],
    [{ compression: "brotli" as never }, 'compression is "brotli"'],
    [{ compression: "gzip", compressionLevel: 10 }, "compressionLevel is 10; it must be a whole number from 1 to 9"],
    [{ compression: "zstd", compressionLevel: 23 }, "compressionLevel is 23; it must be a whole number from 1 to 22"],
    [{ compression: "lz4", compressionLevel: 3 }, 'compressionLevel is 3; it must be absent with compression: "lz4"'],
    [{ compressionLevel: 3 }, 'compressionLevel is 3; it must be absent with compression: "none"'],
    [{ idempotence: "yes" as never }, 'idempotence is "yes"; it must be true or false'],
    [{ acks: 1, idempotence: "yes" as never }, 'idempotence is "yes"; it must be true or false'],
    [{ partitionerAdaptivePartitioning: 1 as never }, "partitionerAdaptivePartitioning is 1; it must be true or false"],
    [{ deliveryTimeoutMs: "200000" as never }, 'deliveryTimeoutMs is "200000"'],
    [{ bootstrapServers: "http://x" }, "ws://x"],
  ])("an option that cannot be used is refused: %o", (options, message) => {
    expect(() => setUp(options as never)).toThrow(message);
  });
});
