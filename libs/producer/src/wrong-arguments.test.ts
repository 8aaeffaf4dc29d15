import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Producer } from "./index.ts";

/** Nobody is there: what is wrong is said before anybody is asked. */
const bootstrapServers = "localhost:1";
const make = (options?: object) => new Producer({ bootstrapServers, ...options });

test.each([undefined, null, "localhost:9092", 5])("options %j are none", (options) => {
  expect(() => new Producer(options as never)).toThrow(
    expect.objectContaining({
      code: "INVALID_CONFIG",
      message: expect.stringContaining("new Producer({ bootstrapServers"),
    }),
  );
});

test.each([
  [{ lingerMS: 5 }, "new Producer: there is no option lingerMS; did you mean lingerMs?"],
  [{ maxInFlightRequests: 5 }, "did you mean maxInFlightRequestsPerConnection?"],
  [{ brokers: ["localhost:9092"] }, "there is no option brokers."],
  [{ groupId: undefined }, "there is no option groupId."],
])("options %j have one that there is not", (options, message) => {
  expect(() => new Producer({ bootstrapServers: "localhost:1", ...options } as never)).toThrow(
    expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(message) }),
  );
});

test("every option of the interface is one", () => {
  const names = [
    ["../../client/src/options.ts", "ClientOptions"],
    ["./options.ts", "ProducerOptions"],
  ].flatMap(([path, name]) => {
    const source = readFileSync(new URL(path!, import.meta.url), "utf8");
    const [body] = source.split(new RegExp(`export interface ${name}\\b`))[1]!.split(/^}/m);
    return [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option!);
  });
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) new Producer({ [name]: undefined, bootstrapServers: "localhost:1" } as never);
});

test.each(["keySerializer", "valueSerializer"])("%s that cannot serialize", (name) => {
  for (const wrong of ["json", 5, {}, JSON.stringify]) {
    expect(() => make({ [name]: wrong })).toThrow(`it must be an object with a method serialize`);
  }
});

test.each([
  [null, "not null"],
  ["orders", "not orders"],
  [[null], "A record is null, and no object"],
  [["a"], "A record is a, and no object"],
  [{ topic: "orders", messages: [{ value: "a" }] }, "A record has no messages (topic,key,value"],
  [{ topic: "orders", records: [{ value: "a" }] }, "give several as a list"],
  [{ topic: "orders", key: "k", vaule: "a" }, "A record has no vaule"],
  [{ topics: "orders" }, "record.topic is undefined"],
])("send(%j)", async (records, message) => {
  await expect(make().send(records as never)).rejects.toThrow(message);
});

test.each([null, 5, {}])("a signal that is none: %j", async (signal) => {
  const record = { topic: "orders", value: "a" };
  await expect(make().send(record, { signal: signal as never })).rejects.toThrow("signal is no AbortSignal");
});

test("a transaction without work, and offsets that are none", async () => {
  const producer = make({ transactionalId: "tx" });
  for (const wrong of [undefined, null, 5, {}, ["a"]]) {
    await expect(producer.transaction(wrong as never)).rejects.toThrow("transaction takes a function");
  }
  await expect(producer.transaction(async () => {}, null as never)).rejects.toThrow("the options are null");
});

test("options of flush, and of closing", async () => {
  await expect(make().flush(null as never)).rejects.toThrow("the options are null");
  await make().close(null as never);
});
