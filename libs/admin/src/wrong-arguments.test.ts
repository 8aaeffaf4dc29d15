import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Admin } from "./index.ts";

/** Nobody is there: what is wrong is said before anybody is asked. */
const admin = new Admin({ bootstrapServers: "localhost:1" });

type AnyCall = (...args: readonly unknown[]) => Promise<unknown>;
const call = (name: string, ...args: readonly unknown[]) =>
  (admin as unknown as Readonly<Record<string, AnyCall>>)[name]!(...args);

/** What a call takes before its list. */
const GROUP_CALLS = ["alterGroupOffsets", "deleteGroupOffsets"];
const LIST_CALLS = [
  "createTopics",
  "deleteTopics",
  "describeTopics",
  "createPartitions",
  "alterPartitionReassignments",
  "deleteRecords",
  "describeConfigs",
  "incrementalAlterConfigs",
  "alterClientQuotas",
  "describeReplicaLogDirs",
  "alterReplicaLogDirs",
  "describeProducers",
  "describeGroups",
  "deleteGroups",
  "listOffsets",
  "describeTransactions",
  ...GROUP_CALLS,
];
const OPTION_CALLS = [
  "listTopics",
  "listConfigResources",
  "describeClientQuotas",
  "describeCluster",
  "describeFeatures",
  "describeLogDirs",
  "listGroups",
  "listTransactions",
  "listPartitionReassignments",
];

test("every call is in one of the lists", () => {
  const others = ["listGroupOffsets", "electLeaders", "unregisterBroker", "abortTransaction", "constructor", "close"];
  const known = new Set([...LIST_CALLS, ...OPTION_CALLS, ...others]);
  const calls = Object.getOwnPropertyNames(Admin.prototype).filter((name) => !known.has(name));
  expect(calls).toEqual([]);
});

test.each([undefined, null, "localhost:9092", 5])("options %j are none", (options) => {
  expect(() => new Admin(options as never)).toThrow(
    expect.objectContaining({
      code: "INVALID_CONFIG",
      message: expect.stringContaining("new Admin({ bootstrapServers"),
    }),
  );
});

test.each([
  [{ requestTimeout: 5 }, "new Admin: there is no option requestTimeout; did you mean requestTimeoutMs?"],
  [{ groupId: "g" }, "there is no option groupId."],
])("options %j have one that there is not", (options, message) => {
  expect(() => new Admin({ bootstrapServers: "localhost:1", ...options } as never)).toThrow(
    expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining(message) }),
  );
});

test("every option of the interface is one", () => {
  const names = [["../../client/src/options.ts", "ClientOptions"]].flatMap(([path, name]) => {
    const source = readFileSync(new URL(path!, import.meta.url), "utf8");
    const [body] = source.split(new RegExp(`export interface ${name}\\b`))[1]!.split(/^}/m);
    return [...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option!);
  });
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) new Admin({ [name]: undefined, bootstrapServers: "localhost:1" } as never);
});

test.each([
  [{ clientId: {} }, /clientId is an object; it must be a string/],
  [{ logger: "console" }, /logger is "console"; it must be an object with a method info/],
  [{ runtime: 5 }, /runtime is 5/],
  [{ connector: {} }, /connector is an object; it must be an object with a method connect/],
  [{ ssl: "yes" }, /ssl is "yes"/],
  [{ authenticate: "x" }, /authenticate is "x"; it must be a function/],
])("options %j", (options, message) => {
  const all = { bootstrapServers: "localhost:9092", ...options };
  expect(() => new Admin(all as never)).toThrow(
    expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringMatching(message) }),
  );
});

test.each(LIST_CALLS)("%s says what list it takes", async (name) => {
  const before = GROUP_CALLS.includes(name) ? ["g"] : [];
  for (const wrong of [undefined, null, "a", 5, {}, true, () => {}, [null], [undefined], [5]]) {
    const error = expect.objectContaining({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(`^${name} takes a list of (strings|.*".*".*), and was given .*\\.$`),
    });
    await expect(call(name, ...before, wrong), String(wrong)).rejects.toThrow(error);
  }
  await expect(call(name, ...before, [], null)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test.each(OPTION_CALLS)("%s says that its options are wrong", async (name) => {
  for (const wrong of [null, "a", 5]) {
    await expect(call(name, wrong)).rejects.toThrow(/the options are .*; they must be an object/);
  }
});

test.each([
  ["createTopics", [{}], 'createTopics takes a list of {"name":"string","partitions":"integer?"'],
  ["createTopics", [{ name: "a", partitions: "3" }], 'and was given one where partitions is "3".'],
  ["createTopics", [{ name: "a", configs: [] }], "configs is an empty list"],
  ["createTopics", [{ name: "a", partitions: 1.5 }], "and was given one where partitions is 1.5."],
  ["createTopics", ["a"], 'one with "a"'],
  ["createTopics", [{ name: "a\ud800" }], 'one where name is "a\\ud800" (half a surrogate).'],
  ["deleteTopics", ["a\ud800"], 'one with "a\\ud800" (half a surrogate).'],
  ["deleteTopics", [{ name: "a" }], "topicId is undefined"],
  ["alterPartitionReassignments", [{ topic: "a", partition: 0 }], "replicas is undefined"],
  ["incrementalAlterConfigs", [{ type: "topic", name: "a" }], "changes is undefined"],
  [
    "incrementalAlterConfigs",
    [{ type: "topics", name: "a", changes: [] }],
    'type is "topics"; it must be one of topic, broker',
  ],
  [
    "incrementalAlterConfigs",
    [{ type: "topic", name: "a", changes: ["k=v"] }],
    'a change is "k=v"; it must be an object with a key',
  ],
  [
    "incrementalAlterConfigs",
    [{ type: "topic", name: "a", changes: [{ key: "k", operation: "put", value: "v" }] }],
    'operation is "put"; it must be one of set, delete, append, subtract',
  ],
  ["describeConfigs", [{ type: "Topic", name: "a" }], 'type is "Topic"'],
  ["listOffsets", [{ topic: "a", partition: "0" }], 'partition is "0"'],
  ["alterClientQuotas", [{ entity: { user: "u" } }], "quotas is undefined"],
  ["alterClientQuotas", [{ entity: { user: 5 }, quotas: {} }], "a user that is a number"],
  ["alterClientQuotas", [{ entity: { "client-id": "c" }, quotas: {} }], "the entity types user, clientId, ip"],
  ["alterClientQuotas", [{ entity: {}, quotas: { producer_byte_rate: "5" } }], "producer_byte_rate that is a string"],
  ["describeGroups", [["g"]], "takes a list of strings, and was given one with a list"],
])("%s(%j)", async (name, list, message) => {
  await expect(call(name, list)).rejects.toThrow(message);
});

test.each([
  [["a"], /takes a list of .*, and was given one with "a"/],
  [[{ type: "user", name: 5 }], /name is 5/],
  [[{ type: "users" }], /the entity types user, clientId, ip, and was given "users"/],
])("describeClientQuotas takes no filter %j", async (filter, message) => {
  await expect(call("describeClientQuotas", { filter })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(call("describeClientQuotas", { filter })).rejects.toThrow(message);
});

test.each([
  ["listOffsets", [[], { isolationLevel: "commited" }], 'isolationLevel is "commited"; it must be one of read_un'],
  ["createTopics", [[{ name: "a", configs: new Map() }]], "createTopics: configs is a Map; it must be an object."],
  ["listGroupOffsets", [undefined], "listGroupOffsets: the group is undefined; it must be the id of one."],
  ["alterGroupOffsets", [["g"], []], "alterGroupOffsets: the group is a list; it must be the id of one."],
  ["deleteGroupOffsets", [5, []], "deleteGroupOffsets: the group is 5; it must be the id of one."],
  ["electLeaders", ["clean", null], 'the election type is "clean"; it must be one of preferred, unclean'],
  ["electLeaders", ["preferred"], "electLeaders takes a list"],
  ["electLeaders", ["preferred", [{ topic: "a" }]], "one where partition is undefined"],
  ["electLeaders", ["preferred", null, { timeoutMs: "5" }], "timeoutMs is no number"],
  ["unregisterBroker", ["3"], 'the broker is "3"; it must be the id of one'],
  ["unregisterBroker", [-1], "the broker is -1"],
  ["unregisterBroker", [3, 5], "the options are 5"],
  ["abortTransaction", [undefined], "and was given undefined"],
  ["abortTransaction", [{ topic: "a", partition: 0, producerId: 5 }], "one where producerEpoch is undefined"],
])("%s(...%j)", async (name, args, message) => {
  await expect(call(name, ...args)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message),
  });
});

test("listOffsets of a time that is a bigint", async () => {
  const wrong = call("listOffsets", [{ topic: "a", partition: 0, spec: { timestampMs: 5n } }]);
  await expect(wrong).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a signal or a time that is none", async () => {
  await expect(call("listTopics", { signal: 5 })).rejects.toThrow("signal is no AbortSignal");
  for (const timeoutMs of ["5", Number.NaN]) {
    await expect(call("listTopics", { timeoutMs })).rejects.toThrow("timeoutMs is no number");
  }
});

test.each([
  [
    "createTopics",
    [[], { validateOnly: "yes" }],
    'createTopics: validateOnly is "yes"; it must be of the type boolean.',
  ],
  ["createTopics", [[], { onProgress: 5 }], "createTopics: onProgress is 5; it must be of the type function."],
  ["createPartitions", [[], { validateOnly: 1 }], "validateOnly is 1"],
  ["incrementalAlterConfigs", [[], { validateOnly: 1 }], "validateOnly is 1"],
  ["describeConfigs", [[], { includeSynonyms: "no" }], 'includeSynonyms is "no"'],
  ["describeConfigs", [[], { includeDocumentation: "no" }], 'includeDocumentation is "no"'],
  ["listTopics", [{ includeInternal: "no" }], 'includeInternal is "no"'],
  ["listGroups", [{ states: "Stable" }], 'states is "Stable"; it must be of the type list'],
  ["listTransactions", [{ producerIds: 5 }], "producerIds is 5"],
  ["listConfigResources", [{ types: "topic" }], 'types is "topic"'],
  ["describeLogDirs", [{ brokers: "1" }], 'brokers is "1"'],
  ["describeTopics", [[], { partitionsPerResponse: "5" }], 'partitionsPerResponse is "5"'],
  ["describeCluster", [{ includeFencedBrokers: 0 }], "includeFencedBrokers is 0"],
  ["createTopics", [[], { validateonly: true }], "there is no option validateonly; did you mean validateOnly?"],
  ["listGroupOffsets", ["g", { partition: [] }], "there is no option partition; did you mean partitions?"],
  ["unregisterBroker", [3, { force: true }], "there is no option force."],
])("%s(...%j)", async (name, args, message) => {
  await expect(call(name, ...args)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message),
  });
});

test("every option that a call declares is one", async () => {
  const sources = readdirSync(new URL(".", import.meta.url))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(new URL(name, import.meta.url), "utf8"));
  /** Names in the body of an interface and of those that it extends; what is no interface is the body itself. */
  const namesOf = (type: string): string[] => {
    const [, above = "", body = type.includes("{") ? type : ""] =
      sources
        .map((text) =>
          new RegExp(`interface ${type.split(" ")[0]} (?:extends (.*) )?\\{([\\s\\S]*?)^\\}`, "m").exec(text),
        )
        .find(Boolean) ?? [];
    const own = [...body.matchAll(/readonly (\w+)\?:/g)].map(([, name]) => name!);
    return [...own, ...above.split(", ").filter(Boolean).flatMap(namesOf)];
  };
  const source = readFileSync(new URL("admin.ts", import.meta.url), "utf8");
  const calls = [...source.matchAll(/^ {2}async (\w+)\(([\s\S]*?)\): Promise/gm)].map(([, name, args]) => {
    const type = /options: ([\s\S]*?) = \{\}/.exec(args!)![1]!;
    return { name: name!, options: type.split(" & ").flatMap(namesOf) };
  });
  expect(calls.flatMap(({ options }) => options)).toEqual(expect.arrayContaining(["isolationLevel", "partitions"]));
  const before: Readonly<Record<string, readonly unknown[]>> = {
    ...Object.fromEntries([...LIST_CALLS].map((name) => [name, [[]]])),
    ...{ alterGroupOffsets: ["g", []], deleteGroupOffsets: ["g", []], listGroupOffsets: ["g"] },
    ...{ electLeaders: ["preferred", []], unregisterBroker: [1] },
    abortTransaction: [{ topic: "a", partition: 0, producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 }],
  };
  for (const { name, options } of calls) {
    const given = Object.fromEntries([...options, "timeoutMs", "signal"].map((option) => [option, undefined]));
    const failure = await call(name, ...(before[name] ?? []), { ...given, timeoutMs: 1 }).catch(
      (error: Error) => error,
    );
    expect(String(failure), name).not.toContain("there is no option");
  }
});

test.each([-1, 1.5, Number.NaN, 2 ** 53])("alterGroupOffsets takes no %d for an offset", async (offset) => {
  await expect(admin.alterGroupOffsets("g", [{ topic: "a", partition: 0, offset }])).rejects.toThrow(
    `one where offset is ${offset}`,
  );
});

test("a topic to create has no field that is not known: it would be left to a default", async () => {
  for (const wrong of [{ numPartitions: 3 }, { configEntries: [] }, { config: {} }]) {
    await expect(call("createTopics", [{ name: "orders", ...wrong }])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: `createTopics takes name, partitions, replicationFactor, assignments, configs of each, and was given ${Object.keys(wrong)[0]}.`,
    });
  }
});
