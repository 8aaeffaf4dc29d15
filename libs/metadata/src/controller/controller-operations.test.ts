import { ErrorCode, ZERO_UUID } from "@ottla/protocol";
import { describe, expect, it } from "vitest";
import { brokerById, ConfigResourceType, configsOf } from "../image/metadata-image.ts";
import { imageAfter, registration, stateWith } from "../test-support/controller-fixture.ts";
import { ConfigOperation, incrementalAlterConfigs, replaceConfigs } from "./alter-configs.ts";
import { allocateProducerIds, finalizeFeatures, registerBroker } from "./brokers.ts";
import { createPartitions } from "./create-partitions.ts";
import { createTopics, type NewTopic, USE_DEFAULT } from "./create-topics.ts";
import { deleteTopics } from "./delete-topics.ts";
import { assignDirectories, isReplicaOnline, setOnlineDirectories } from "./log-directories.ts";

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: USE_DEFAULT,
  replicationFactor: USE_DEFAULT,
  assignments: [],
  configs: [],
  ...more,
});

const create = (state: ReturnType<typeof stateWith>, ...topics: NewTopic[]) =>
  createTopics(state, { topics, validateOnly: false });

/** A cluster of three brokers with the topic `orders` of three partitions. */
function withOrders() {
  const state = stateWith([1, 2, 3]);
  const { records, response } = create(state, topic("orders", { numPartitions: 3, replicationFactor: 2 }));
  const image = imageAfter(records, state.image);
  return { state: { ...state, image, nextOffset: image.offset + 1 }, topicId: response[0]!.topicId };
}

const errorName = (errno: number) => Object.entries(ErrorCode).find(([, code]) => code === errno)?.[0];

describe("createTopics", () => {
  it("makes a topic with the broker's defaults", () => {
    const state = stateWith([1]);
    const { records, response } = create(state, topic("orders"));
    expect(response[0]).toMatchObject({ errno: 0, name: "orders", numPartitions: 2, replicationFactor: 1 });
    const image = imageAfter(records, state.image);
    expect(image.topicsByName.get("orders")).toMatchObject({
      topicId: response[0]!.topicId,
      partitions: [
        { partition: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
        { partition: 1, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
      ],
    });
    expect(image.topicsByName.get("orders")!.partitions[0]!.directories).toEqual(brokerById(image, 1)!.logDirs);
  });

  it("spreads partitions and replicas over the brokers that are not fenced", () => {
    const state = stateWith([1, 2, 3], [registration(4, true)]);
    const { records } = create(state, topic("orders", { numPartitions: 6, replicationFactor: 2 }));
    const { partitions } = imageAfter(records, state.image).topicsByName.get("orders")!;
    for (const broker of [1, 2, 3]) expect(partitions.filter(({ leader }) => leader === broker)).toHaveLength(2);
    for (const { replicas } of partitions) expect(new Set(replicas).size).toBe(2);
    expect(partitions.flatMap(({ replicas }) => replicas)).not.toContain(4);
  });

  it("takes assignments as they are, and starts with the replicas whose brokers are not fenced", () => {
    const state = stateWith([1, 2], [registration(3, true)]);
    const assignments = [
      { partitionIndex: 1, brokerIds: [2, 3] },
      { partitionIndex: 0, brokerIds: [3, 1] },
    ];
    const { records, response } = create(state, topic("orders", { assignments }));
    expect(response[0]).toMatchObject({ errno: 0, numPartitions: 2, replicationFactor: 2 });
    expect(imageAfter(records, state.image).topicsByName.get("orders")!.partitions).toMatchObject([
      { replicas: [3, 1], isr: [1], leader: 1 },
      { replicas: [2, 3], isr: [2], leader: 2 },
    ]);
  });

  it("records configs and tells them", () => {
    const state = stateWith([1]);
    const { records, response } = create(state, topic("orders", { configs: [{ name: "retention.ms", value: "5" }] }));
    expect(response[0]!.configs).toEqual(new Map([["retention.ms", "5"]]));
    const image = imageAfter(records, state.image);
    expect(configsOf(image, ConfigResourceType.TOPIC, "orders")).toEqual(new Map([["retention.ms", "5"]]));
  });

  const assigned = (...brokerIds: number[][]) => ({
    assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
  });
  const refusals: [string, NewTopic, keyof typeof ErrorCode, RegExp][] = [
    ["an empty name", topic(""), "INVALID_TOPIC_EXCEPTION", /empty/],
    ["a dot", topic("."), "INVALID_TOPIC_EXCEPTION", /'\.'/],
    ["two dots", topic(".."), "INVALID_TOPIC_EXCEPTION", /'\.\.'/],
    ["a name of 250 characters", topic("x".repeat(250)), "INVALID_TOPIC_EXCEPTION", /249/],
    ["a space in the name", topic("a b"), "INVALID_TOPIC_EXCEPTION", /alphanumerics/],
    ["a name that is taken", topic("orders"), "TOPIC_ALREADY_EXISTS", /'orders' already exists/],
    [
      "a name too like another",
      topic("my_topic"),
      "INVALID_TOPIC_EXCEPTION",
      /collides with existing topic: my\.topic/,
    ],
    ["the metadata topic", topic("__cluster_metadata"), "INVALID_REQUEST", /prohibited/],
    ["no partitions", topic("t", { numPartitions: 0 }), "INVALID_PARTITIONS", /non-positive/],
    ["-2 partitions", topic("t", { numPartitions: -2 }), "INVALID_PARTITIONS", /non-positive/],
    ["no replicas", topic("t", { replicationFactor: 0 }), "INVALID_REPLICATION_FACTOR", /larger than 0/],
    ["more replicas than brokers", topic("t", { replicationFactor: 4 }), "INVALID_REPLICATION_FACTOR", /only 3 broker/],
    [
      "an unknown config",
      topic("t", { configs: [{ name: "x", value: "1" }] }),
      "INVALID_CONFIG",
      /Unknown config name: x/,
    ],
    [
      "a config without value",
      topic("t", { configs: [{ name: "retention.ms", value: null }] }),
      "INVALID_CONFIG",
      /Null/,
    ],
    [
      "a partition count beside assignments",
      topic("t", { ...assigned([1]), numPartitions: 1 }),
      "INVALID_REQUEST",
      /numPartitions/,
    ],
    [
      "a replication factor beside assignments",
      topic("t", { ...assigned([1]), replicationFactor: 1 }),
      "INVALID_REQUEST",
      /replication factor/,
    ],
    ["an assignment without replicas", topic("t", assigned([])), "INVALID_REPLICA_ASSIGNMENT", /empty/],
    ["a broker twice", topic("t", assigned([1, 1])), "INVALID_REPLICA_ASSIGNMENT", /more than once/],
    ["a broker that is not there", topic("t", assigned([9])), "INVALID_REPLICA_ASSIGNMENT", /no such broker/],
    [
      "assignments of different sizes",
      topic("t", assigned([1, 2], [3])),
      "INVALID_REPLICA_ASSIGNMENT",
      /not consistent/,
    ],
    [
      "a gap between partitions",
      topic("t", { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
      "INVALID_REPLICA_ASSIGNMENT",
      /consecutive/,
    ],
    [
      "a partition twice",
      topic("t", { assignments: [0, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] })) }),
      "INVALID_REPLICA_ASSIGNMENT",
      /multiple/,
    ],
  ];
  it.each(refusals)("refuses %s", (_, refused, error, message) => {
    const { state } = withOrders();
    const image = imageAfter(
      [{ type: "TopicRecord", name: "my.topic", topicId: "AAAAAAAAAAAAAAAAAAAAAg" }],
      state.image,
    );
    const { records, response } = create({ ...state, image }, refused, topic("fine"));
    expect(errorName(response[0]!.errno)).toBe(error);
    expect(response[0]!.message).toMatch(message);
    expect(response[1]!.errno).toBe(0);
    expect(records.filter(({ type }) => type === "TopicRecord")).toHaveLength(1);
  });

  it("refuses a name that is asked for twice, once; names that collide within one request are Kafka's to allow", () => {
    const twice = create(stateWith([1]), topic("a"), topic("a"));
    expect(twice.response.map(({ errno }) => errorName(errno))).toEqual(["INVALID_REQUEST"]);
    expect(twice.records).toEqual([]);
    const alike = create(stateWith([1]), topic("a.b"), topic("a_b"));
    expect(alike.response.map(({ errno }) => errorName(errno))).toEqual(["NONE", "NONE"]);
  });

  it("refuses a whole request of more than 10,000 partitions", () => {
    expect(() => create(stateWith([1]), topic("a", { numPartitions: 10_001 }))).toThrow(/Excessively large/);
  });

  it("writes nothing when it is only asked whether it could", () => {
    const { records, response } = createTopics(stateWith([1]), { topics: [topic("a")], validateOnly: true });
    expect(records).toEqual([]);
    expect(response[0]).toMatchObject({ errno: 0, numPartitions: 2 });
  });
});

describe("createPartitions", () => {
  it("adds partitions with the topic's replication factor", () => {
    const { state } = withOrders();
    const { records, response } = createPartitions(state, {
      topics: [{ name: "orders", count: 5, assignments: null }],
      validateOnly: false,
    });
    expect(response).toEqual([{ name: "orders", errno: 0, message: null }]);
    const { partitions } = imageAfter(records, state.image).topicsByName.get("orders")!;
    expect(partitions.map(({ replicas }) => replicas.length)).toEqual([2, 2, 2, 2, 2]);
  });

  it("takes assignments as they are", () => {
    const { state } = withOrders();
    const assignments = [{ brokerIds: [3, 2] }];
    const { records } = createPartitions(state, {
      topics: [{ name: "orders", count: 4, assignments }],
      validateOnly: false,
    });
    expect(imageAfter(records, state.image).topicsByName.get("orders")!.partitions[3]).toMatchObject({
      replicas: [3, 2],
      leader: 3,
    });
  });

  const refusals: [
    string,
    { name?: string; count?: number; assignments?: { brokerIds: number[] }[] },
    keyof typeof ErrorCode,
    RegExp,
  ][] = [
    ["an unknown topic", { name: "none" }, "UNKNOWN_TOPIC_OR_PARTITION", /does not exist/],
    ["as many as there are", { count: 3 }, "INVALID_PARTITIONS", /already has 3/],
    ["fewer than there are", { count: 2 }, "INVALID_PARTITIONS", /would not be an increase/],
    ["absurdly many", { count: 2_000_000_000 }, "INVALID_PARTITIONS", /at most/],
    ["too few assignments", { count: 5, assignments: [{ brokerIds: [1, 2] }] }, "INVALID_REPLICA_ASSIGNMENT", /only 1/],
    [
      "another replication factor",
      { count: 4, assignments: [{ brokerIds: [1] }] },
      "INVALID_REPLICA_ASSIGNMENT",
      /not consistent/,
    ],
  ];
  it.each(refusals)("refuses %s", (_, refused, error, message) => {
    const { state } = withOrders();
    const topics = [{ name: "orders", count: 4, assignments: null, ...refused }];
    const { records, response } = createPartitions(state, { topics, validateOnly: false });
    expect(errorName(response[0]!.errno)).toBe(error);
    expect(response[0]!.message).toMatch(message);
    expect(records).toEqual([]);
  });

  it("refuses a request for too many partitions in all", () => {
    const { state } = withOrders();
    const { records } = create(state, topic("more"));
    const image = imageAfter(records, state.image);
    const asked = (...counts: number[]) => {
      const topics = counts.map((count, index) => ({ name: ["orders", "more"][index]!, count, assignments: null }));
      return createPartitions({ ...state, image }, { topics, validateOnly: false });
    };
    expect(() => asked(5_004, 5_002)).toThrow(/Excessively large number of partitions per request/);
    expect(asked(5_003, 5_002).records).toHaveLength(10_000);
  });

  it("writes nothing when it is only asked whether it could", () => {
    const { state } = withOrders();
    const input = { topics: [{ name: "orders", count: 4, assignments: null }], validateOnly: true };
    expect(createPartitions(state, input)).toMatchObject({ records: [], response: [{ errno: 0 }] });
  });
});

describe("deleteTopics", () => {
  it("deletes by name and by id, with the configs", () => {
    const { state, topicId } = withOrders();
    const image = imageAfter(
      [
        {
          type: "ConfigRecord",
          resourceType: ConfigResourceType.TOPIC,
          resourceName: "orders",
          name: "retention.ms",
          value: "1",
        },
      ],
      state.image,
    );
    for (const reference of [
      { name: "orders", topicId: ZERO_UUID },
      { name: null, topicId },
    ]) {
      const { records, response } = deleteTopics({ ...state, image }, [reference]);
      expect(response).toEqual([{ name: "orders", topicId, errno: 0, message: null }]);
      const after = imageAfter(records, image);
      expect([after.topicsByName.size, after.topicNamesById.size, after.configs.size]).toEqual([0, 0, 0]);
    }
  });

  const NO_SUCH_ID = "AAAAAAAAAAAAAAAAAAAACQ";
  it.each([
    ["an unknown name", { name: "none", topicId: ZERO_UUID }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["an unknown id", { name: null, topicId: NO_SUCH_ID }, "UNKNOWN_TOPIC_ID"],
    ["a name and an id", { name: "orders", topicId: NO_SUCH_ID }, "INVALID_REQUEST"],
    ["neither", { name: null, topicId: ZERO_UUID }, "INVALID_REQUEST"],
  ])("refuses %s", (_, reference, error) => {
    const { records, response } = deleteTopics(withOrders().state, [reference]);
    expect(errorName(response[0]!.errno)).toBe(error);
    expect(records).toEqual([]);
  });

  it("refuses a topic that is given by its name and by its id, under its name", () => {
    const { state, topicId } = withOrders();
    const references = [
      { name: "orders", topicId: ZERO_UUID },
      { name: null, topicId },
    ];
    const { records, response } = deleteTopics(state, references);
    expect(records).toEqual([]);
    expect(response).toMatchObject([{ name: "orders", topicId, errno: ErrorCode.INVALID_REQUEST }]);
  });

  it("is refused as a whole where deletion is switched off", () => {
    const state = stateWith([1], [], { deleteTopicEnable: false });
    expect(() => deleteTopics(state, [{ name: "orders", topicId: ZERO_UUID }])).toThrow(/delete\.topic\.enable/);
  });
});

describe("incrementalAlterConfigs", () => {
  const resource = { resourceType: ConfigResourceType.TOPIC as number, resourceName: "orders" };
  const alter = (name: string, configOperation: number, value: string | null) => ({
    ...resource,
    configs: [{ name, configOperation, value }],
  });

  it("sets, appends, subtracts and deletes", () => {
    const { state } = withOrders();
    let image = state.image;
    const run = (...step: Parameters<typeof alter>) => {
      const { records, response } = incrementalAlterConfigs({ ...state, image }, [alter(...step)], false);
      expect(response[0]).toMatchObject({ ...resource, errno: 0 });
      image = imageAfter(records, image);
      return Object.fromEntries(configsOf(image, resource.resourceType, "orders"));
    };
    expect(run("retention.ms", ConfigOperation.SET, "1000")).toEqual({ "retention.ms": "1000" });
    expect(run("cleanup.policy", ConfigOperation.APPEND, "compact")).toMatchObject({
      "cleanup.policy": "delete,compact",
    });
    expect(run("cleanup.policy", ConfigOperation.APPEND, "compact")).toMatchObject({
      "cleanup.policy": "delete,compact",
    });
    expect(run("cleanup.policy", ConfigOperation.SUBTRACT, "delete")).toMatchObject({ "cleanup.policy": "compact" });
    expect(run("cleanup.policy", ConfigOperation.DELETE, null)).toEqual({ "retention.ms": "1000" });
    expect(run("retention.ms", ConfigOperation.DELETE, null)).toEqual({});
  });

  const refusals: [string, Parameters<typeof incrementalAlterConfigs>[1], keyof typeof ErrorCode][] = [
    ["an unknown topic", [{ ...resource, resourceName: "none", configs: [] }], "UNKNOWN_TOPIC_OR_PARTITION"],
    [
      "an unknown broker",
      [{ resourceType: ConfigResourceType.BROKER, resourceName: "9", configs: [] }],
      "INVALID_REQUEST",
    ],
    ["an unknown kind of resource", [{ resourceType: 99, resourceName: "x", configs: [] }], "INVALID_REQUEST"],
    ["an unknown key", [alter("x", ConfigOperation.SET, "1")], "INVALID_CONFIG"],
    ["a value that is not allowed", [alter("retention.ms", ConfigOperation.SET, "soon")], "INVALID_CONFIG"],
    ["appending to what is no list", [alter("retention.ms", ConfigOperation.APPEND, "1")], "INVALID_CONFIG"],
    ["setting nothing", [alter("retention.ms", ConfigOperation.SET, null)], "INVALID_REQUEST"],
    ["an unknown operation", [alter("retention.ms", 9, "1")], "INVALID_REQUEST"],
    ["a resource twice", [alter("retention.ms", 0, "1"), alter("retention.ms", 0, "2")], "INVALID_REQUEST"],
  ];
  it.each(refusals)("refuses %s", (_, alterations, error) => {
    const { records, response } = incrementalAlterConfigs(withOrders().state, alterations, false);
    expect(errorName(response[0]!.errno)).toBe(error);
    expect(records).toEqual([]);
  });

  it("refuses a key that is named twice", () => {
    const configs = [0, 1].map((value) => ({ name: "retention.ms", configOperation: 0, value: String(value) }));
    const { response } = incrementalAlterConfigs(withOrders().state, [{ ...resource, configs }], false);
    expect(errorName(response[0]!.errno)).toBe("INVALID_REQUEST");
  });

  it("changes one resource although another is refused, and nothing when only asked", () => {
    const { state } = withOrders();
    const alterations = [
      alter("retention.ms", ConfigOperation.SET, "1"),
      { ...resource, resourceName: "none", configs: [] },
    ];
    expect(incrementalAlterConfigs(state, alterations, false).records).toHaveLength(1);
    expect(incrementalAlterConfigs(state, alterations, true).records).toEqual([]);
  });

  it("sets configs of one broker and of all of them", () => {
    const { state } = withOrders();
    for (const resourceName of ["1", ""]) {
      const configs = [{ name: "message.max.bytes", configOperation: ConfigOperation.SET, value: "5" }];
      const alteration = { resourceType: ConfigResourceType.BROKER, resourceName, configs };
      const { records } = incrementalAlterConfigs(state, [alteration], false);
      const after = configsOf(imageAfter(records, state.image), ConfigResourceType.BROKER, resourceName);
      expect(after.get("message.max.bytes")).toBe("5");
    }
  });
});

describe("replaceConfigs", () => {
  it("leaves only what it was given", () => {
    const { state } = withOrders();
    const resource = { resourceType: ConfigResourceType.TOPIC, resourceName: "orders" };
    const before = imageAfter([{ type: "ConfigRecord", ...resource, name: "retention.ms", value: "1" }], state.image);
    const { records } = replaceConfigs(
      { ...state, image: before },
      [{ ...resource, configs: [{ name: "cleanup.policy", value: "compact" }] }],
      false,
    );
    const after = configsOf(imageAfter(records, before), resource.resourceType, "orders");
    expect(after).toEqual(new Map([["cleanup.policy", "compact"]]));
  });
});

describe("brokers", () => {
  it("gives each broker producer ids that no other has", () => {
    const state = stateWith([1, 2]);
    const first = allocateProducerIds(state, { brokerId: 1, brokerEpoch: 10 });
    expect(first.response).toEqual({ firstProducerId: 0, size: 1000 });
    const image = imageAfter(first.records, state.image);
    const second = allocateProducerIds({ ...state, image }, { brokerId: 2, brokerEpoch: 20 });
    expect(second.response).toEqual({ firstProducerId: 1000, size: 1000 });
  });

  it("gives no producer ids to a broker of an earlier life, or an unknown one", () => {
    const state = stateWith([1]);
    expect(() => allocateProducerIds(state, { brokerId: 1, brokerEpoch: 9 })).toThrow(/epoch 10, not 9/);
    expect(() => allocateProducerIds(state, { brokerId: 7, brokerEpoch: 0 })).toThrow(/not registered/);
  });

  const newLife = {
    brokerId: 1,
    incarnationId: "AAAAAAAAAAAAAAAAAAAAAw",
    endpoints: [{ name: "WS", host: "example.org", port: 443, securityProtocol: 0, url: "wss://example.org/kafka" }],
    features: [],
    rack: "a",
    logDirs: [],
    fenced: false,
  };

  it("registers a broker under the offset of its record, WebSocket URL included", () => {
    const state = stateWith([1]);
    const { records, response } = registerBroker(state, { ...newLife, cleanShutdown: true });
    expect(response).toEqual({ brokerEpoch: state.nextOffset });
    const broker = brokerById(imageAfter(records, state.image), 1)!;
    expect(broker).toMatchObject({ epoch: state.nextOffset, rack: "a", fenced: false, endpoints: newLife.endpoints });
  });

  it("says where its replicas are, which of its log directories are left, and no more in another life", () => {
    const { state, topicId } = withOrders();
    const { partitions } = state.image.topicsByName.get("orders")!;
    const { partition, replicas, directories } = partitions.find((one) => one.replicas.includes(1))!;
    const directoryId = "AAAAAAAAAAAAAAAAAAAAAw";
    const assignment = { topicId, partition, directoryId };
    const passedOver = [
      { ...assignment, partition: 99 },
      { ...assignment, topicId: directoryId },
      { ...assignment, partition: partitions.find((one) => !one.replicas.includes(1))!.partition },
    ];
    const own = { brokerId: 1, brokerEpoch: 10 };
    const { records } = assignDirectories(state, { ...own, content: [assignment, ...passedOver] });
    expect(records).toHaveLength(1);
    const image = imageAfter(records, state.image);
    const changed = image.topicsByName.get("orders")!.partitions[partition]!;
    expect(changed.directories).toEqual(directories.map((id, i) => (replicas[i] === 1 ? directoryId : id)));
    expect([changed.leaderEpoch, changed.partitionEpoch]).toEqual([0, 1]);
    expect(assignDirectories({ ...state, image }, { ...own, content: [assignment] }).records).toEqual([]);

    const isOnline = (logDirs: string[], id: number) => {
      const left = setOnlineDirectories(state, { ...own, content: logDirs });
      return isReplicaOnline(imageAfter(left.records, image), changed, id);
    };
    const other = replicas.find((id) => id !== 1)!;
    expect([isOnline([directoryId], 1), isOnline(["x".repeat(22)], 1), isOnline(["x".repeat(22)], other)]).toEqual([
      true,
      false,
      true,
    ]);
    const earlier = { brokerId: 1, brokerEpoch: 9 };
    expect(() => assignDirectories(state, { ...earlier, content: [assignment] })).toThrow(/epoch 10, not 9/);
    expect(() => setOnlineDirectories(state, { ...earlier, content: [directoryId] })).toThrow(/epoch 10, not 9/);
    expect(() => setOnlineDirectories(state, { ...own, content: [] })).toThrow(/has to stop/);
  });

  it("begins its leaderships anew after an unclean stop, and leaves them after a clean one", () => {
    const { state } = withOrders();
    const leaders = (cleanShutdown: boolean) => {
      const { records } = registerBroker(state, { ...newLife, cleanShutdown });
      const { partitions } = imageAfter(records, state.image).topicsByName.get("orders")!;
      return partitions.map(({ leader, leaderEpoch }) => (leader === 1 ? leaderEpoch : null));
    };
    expect(leaders(true).filter((epoch) => epoch !== null)).toEqual([0]);
    expect(leaders(false).filter((epoch) => epoch !== null)).toEqual([1]);
  });

  it("records feature levels once", () => {
    const state = stateWith([1]);
    const levels = new Map([["metadata.version", 25]]);
    const { records } = finalizeFeatures(state, levels);
    expect(records).toHaveLength(1);
    const image = imageAfter(records, state.image);
    expect(finalizeFeatures({ ...state, image }, levels).records).toEqual([]);
  });
});

describe("a request that names more than one operation may change", () => {
  const many = Array.from({ length: 10_001 }, (_, index) => `topic-${index}`);
  const refused = "Unable to perform excessively large batch operation.";

  it("is refused as a whole", () => {
    const state = stateWith([1]);
    const references = many.map((name) => ({ name, topicId: ZERO_UUID }));
    expect(() => deleteTopics(state, references)).toThrow(refused);
    const topics = many.map((name) => ({ name, count: 2, assignments: null }));
    expect(() => createPartitions(state, { topics, validateOnly: true })).toThrow(refused);
    const configs = many.map((name) => ({ name, configOperation: 0, value: "1" }));
    const resource = { resourceType: ConfigResourceType.TOPIC, resourceName: "a", configs };
    expect(() => incrementalAlterConfigs(state, [resource], false)).toThrow(refused);
    expect(deleteTopics(state, references.slice(1)).response).toHaveLength(10_000);
  });
});
