import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Consumer } from "./index.ts";

/** Nobody is there: what is wrong is said before anybody is asked. */
const bootstrapServers = "localhost:1";
const make = (options?: object) => new Consumer({ bootstrapServers, groupId: "g", ...options });

type AnyCall = (...args: readonly unknown[]) => unknown;
const call = async (consumer: Consumer, name: string, ...args: readonly unknown[]) =>
  await (consumer as unknown as Readonly<Record<string, AnyCall>>)[name]!(...args);

test.each([undefined, null, "localhost:9092", 5])("options %j are none", (options) => {
  expect(() => new Consumer(options as never)).toThrow(
    expect.objectContaining({
      code: "INVALID_CONFIG",
      message: expect.stringContaining("new Consumer({ bootstrapServers"),
    }),
  );
});

test.each([
  [{ fetchMaxWait: 5 }, "new Consumer: there is no option fetchMaxWait; did you mean fetchMaxWaitMs?"],
  [{ groupid: "g" }, "there is no option groupid; did you mean groupId?"],
  [{ fromBeginning: true }, "there is no option fromBeginning."],
])("options %j have one that there is not", (options, message) => {
  expect(() => new Consumer({ bootstrapServers: "localhost:1", ...options } as never)).toThrow(
    expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(message) }),
  );
});

test("every option of the interface is one", () => {
  const names = [
    ["../../client/src/options.ts", "ClientOptions"],
    ["./options.ts", "ConsumerOptions"],
  ].flatMap(([path, name]) => {
    const source = readFileSync(new URL(path!, import.meta.url), "utf8");
    const [body] = source.split(new RegExp(`export interface ${name}\\b`))[1]!.split(/^}/m);
    return [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option!);
  });
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) new Consumer({ [name]: undefined, bootstrapServers: "localhost:1" } as never);
});

test.each([
  [{ groupId: 5 }, "groupId is 5"],
  [{ groupId: "g\ud800" }, 'groupId is "g\\ud800" (half a surrogate)'],
  [{ clientId: "\udc00" }, 'clientId is "\\udc00" (half a surrogate)'],
  [{ topics: ["t\ud800"] }, 'Topic "t\\ud800" (half a surrogate)'],
  [{ groupInstanceId: 5 }, "groupInstanceId is 5"],
  [{ groupInstanceId: "" }, "groupInstanceId is"],
  [{ keyDeserializer: "json" }, "it must be an object with a method deserialize"],
  [{ valueDeserializer: JSON.parse }, "it must be an object with a method deserialize"],
  [{ partitionAssignors: "range" }, "it must be a list of assignors"],
  [{ partitionAssignors: 5, groupProtocol: "consumer" }, "partitionAssignors is 5; it must be absent"],
  [{ autoCommit: "yes" }, 'autoCommit is "yes"; it must be true or false'],
  [{ checkCrcs: 0 }, "checkCrcs is 0; it must be true or false"],
  [{ allowAutoCreateTopics: "false" }, 'allowAutoCreateTopics is "false"; it must be true or false'],
  [{ clientRack: 5 }, "clientRack is 5; it must be a string"],
  [{ groupProtocol: "consumer", groupRemoteAssignor: 5 }, "groupRemoteAssignor is 5; it must be a string"],
  [{ topics: 5 }, "subscribe takes a list, and was given 5"],
  [{ topics: null }, "subscribe takes a list, and was given null"],
])("options %j", (options, message) => {
  expect(() => make(options)).toThrow(message);
});

test.each([
  "assign",
  "seekToBeginning",
  "seekToEnd",
  "pause",
  "resume",
  "committed",
  "beginningOffsets",
  "endOffsets",
  "offsetsForTimes",
])("%s says what list it takes", async (name) => {
  for (const wrong of [null, "a", 5, {}, [null], ["a"], [{ topic: "a", partition: "0" }]]) {
    const error = expect.objectContaining({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(
        new RegExp(`^${name} takes a list of {"topic":"string","partition":"natural".*}, and was given .*\\.$`),
      ),
    });
    await expect(call(make(), name, wrong), JSON.stringify(wrong)).rejects.toThrow(error);
  }
});

test.each([undefined, null, "", "a b", {}, [["orders"]]])(
  "partitionsFor(%j) is refused, and asks nobody",
  async (topic) => {
    const error = expect.objectContaining({ code: "INVALID_TOPIC_EXCEPTION" });
    await expect(call(make(), "partitionsFor", topic)).rejects.toThrow(error);
  },
);

test.each([
  ["commit", [null], "commit takes a record"],
  ["commit", ["a"], "commit takes a record"],
  ["commit", [[{ topic: "a", partition: 0 }]], "one where offset is undefined"],
  ["commit", [[{ topic: "a", partition: 0, offset: -1 }]], "one where offset is -1"],
  ["commit", [[{ topic: "a", partition: 0, offset: 1.5 }]], "one where offset is 1.5"],
  ["run", [undefined], "run takes options and a function"],
  ["run", [{}], "run takes options and a function"],
  ["run", [async () => {}], "run takes options and a function"],
  ["records", [null], "the options are null"],
  ["batches", [5], "the options are 5"],
  ["start", [null], "the options are null"],
  ["position", [undefined], "is no partition"],
  ["assign", [[{ topic: "a", partition: 0.5 }]], "one where partition is 0.5"],
  ["assign", [[{ topic: "a", partition: -1 }]], "one where partition is -1"],
  ["offsetsForTimes", [[{ topic: "a", partition: 0, timestampMs: 0.5 }]], "one where timestampMs is 0.5"],
  ["records", [{ signal: 5 }], "signal is no AbortSignal"],
  ["on", ["assigned"], "on takes the name of an event and a function"],
  ["on", ["assignd", () => {}], 'on takes the name of an event, and was given "assignd": membership, assigned, '],
  ["on", ["toString", () => {}], 'on takes the name of an event, and was given "toString"'],
  ["on", [undefined, () => {}], "on takes the name of an event, and was given undefined"],
  ["subscribe", [{}], "subscribe takes a list"],
  ["subscribe", [[]], "Subscribe to at least one topic"],
])("%s(%j)", async (name, args, message) => {
  const error = expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining(message) });
  await expect(call(make(), name, ...args)).rejects.toThrow(error);
});

test.each([
  [{ retry: 3 }, "retry.retries is undefined"],
  [{ retry: { retries: "3" } }, 'retry.retries is "3"'],
  [{ deadLetter: {} }, "deadLetter.topic is undefined"],
  [{ deadLetter: { topic: "" } }, 'deadLetter.topic is ""'],
  [{ deadLetter: { topic: "dlq", producer: {} } }, "deadLetter.producer"],
])("run(%j)", async (options, message) => {
  const error = expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(message) });
  await expect(call(make(), "run", options, async () => {})).rejects.toThrow(error);
});

test("options of closing may be null", async () => {
  await call(make(), "close", null);
});
