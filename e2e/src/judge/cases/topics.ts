import {
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  metadataApi,
  type RequestInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers } from "../both-brokers.ts";

type NewTopic = RequestInput<typeof createTopicsApi>["topics"][number];

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
});
const assigned = (...brokerIds: number[][]) => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids })),
});
const configs = (values: Readonly<Record<string, string | null>>) => ({
  configs: Object.entries(values).map(([name, value]) => ({ name, value })),
});

/** Keys that only one of the two has are told apart by the cases of DescribeConfigs. */
const WHERE_IT_SAYS_SOMETHING = { inAnyOrder: true, whereKafkaIsSilent: ["errorMessage"] };
const WITHOUT_CONFIGS = { ignoring: ["configs"], inAnyOrder: true };

export function topicsCases(both: () => BothBrokers): void {
  const create = (version: number, topics: NewTopic[], more: { validateOnly?: boolean; timeoutMs?: number } = {}) =>
    both().same(createTopicsApi, version, { topics, timeoutMs: 10_000, ...more }, WITHOUT_CONFIGS);

  describe("CreateTopics", () => {
    it.each([2, 3, 4, 5, 6, 7])("v%i: what is made, and made again", async (v) => {
      await create(v, [topic(`create-${v}`, { numPartitions: 3 })]);
      await create(v, [topic(`create-${v}`)]);
      await create(v, [topic(`create-only-${v}`)], { validateOnly: true });
      await create(v, [topic(`create-${v}`)], { validateOnly: true });
      await create(v, [topic(`create-default-${v}`, { numPartitions: -1, replicationFactor: -1 })]);
      await create(v, [topic(`create-given-${v}`, assigned([1], [1]))]);
    });

    const refused: [string, NewTopic[]][] = [
      ["no partitions", [topic("refused", { numPartitions: 0 })]],
      ["less than no partitions", [topic("refused", { numPartitions: -2 })]],
      ["no replicas", [topic("refused", { replicationFactor: 0 })]],
      ["less than no replicas", [topic("refused", { replicationFactor: -2 })]],
      ["more replicas than brokers", [topic("refused", { replicationFactor: 2 })]],
      ["many more replicas than brokers", [topic("refused", { replicationFactor: 32_000 })]],
      ["more partitions than a cluster may have at once", [topic("refused", { numPartitions: 10_001 })]],
      ["a name that is empty", [topic("")]],
      ["a dot", [topic(".")]],
      ["two dots", [topic("..")]],
      ["a space", [topic("a b")]],
      ["a slash", [topic("a/b")]],
      ["umlauts", [topic("ä")]],
      ["250 characters", [topic("n".repeat(250))]],
      ["the same twice", [topic("twice"), topic("twice"), topic("once-beside-twice")]],
      ["an unknown config", [topic("refused", configs({ "no.such.config": "1" }))]],
      ["a config without value", [topic("refused", configs({ "retention.ms": null }))]],
      ["no number", [topic("refused", configs({ "retention.ms": "soon" }))]],
      ["a number too small", [topic("refused", configs({ "retention.ms": "-2" }))]],
      ["a number too large", [topic("refused", configs({ "segment.bytes": "99999999999" }))]],
      ["a segment too small", [topic("refused", configs({ "segment.bytes": "10" }))]],
      ["no boolean", [topic("refused", configs({ preallocate: "perhaps" }))]],
      ["no such choice", [topic("refused", configs({ "compression.type": "zip" }))]],
      ["no such policy", [topic("refused", configs({ "cleanup.policy": "shred" }))]],
      ["a ratio too large", [topic("refused", configs({ "min.cleanable.dirty.ratio": "1.5" }))]],
      ["a level too high", [topic("refused", configs({ "compression.gzip.level": "10" }))]],
      ["a level of zero", [topic("refused", configs({ "compression.gzip.level": "0" }))]],
      [
        "lags that contradict",
        [topic("refused", configs({ "min.compaction.lag.ms": "5", "max.compaction.lag.ms": "4" }))],
      ],
      ["min.insync.replicas 0", [topic("refused", configs({ "min.insync.replicas": "0" }))]],
      ["assignments and a partition count", [topic("refused", { ...assigned([1]), numPartitions: 1 })]],
      ["assignments and a replication factor", [topic("refused", { ...assigned([1]), replicationFactor: 1 })]],
      ["assignments with a broker that is not there", [topic("refused", assigned([7]))]],
      ["assignments with a broker twice", [topic("refused", assigned([1, 1]))]],
      ["assignments of different length", [topic("refused", assigned([1], [1, 7]))]],
      ["assignments without brokers", [topic("refused", assigned([]))]],
      ["assignments with a negative broker", [topic("refused", assigned([-1]))]],
      [
        "assignments that skip a partition",
        [topic("refused", { ...assigned(), assignments: [{ partitionIndex: 1, brokerIds: [1] }] })],
      ],
      [
        "a partition assigned twice",
        [
          topic("refused", {
            ...assigned(),
            assignments: [
              { partitionIndex: 0, brokerIds: [1] },
              { partitionIndex: 0, brokerIds: [1] },
            ],
          }),
        ],
      ],
      ["one that collides with another by its metrics", [topic("dot.and_score"), topic("dot_and.score")]],
      ["good and bad ones together", [topic("good-beside-bad"), topic("bad", { numPartitions: 0 })]],
    ];
    it.each(refused)("%s", async (_, topics) => {
      await create(7, topics, { validateOnly: true });
      await create(7, topics);
    });

    it("a name that collides with a topic that is there", async () => {
      await both().createTopic("col.lides");
      await create(7, [topic("col_lides")]);
    });

    it("internal topics", async () => {
      await create(7, [topic("__transaction_state")], { validateOnly: true });
    });

    it("no topics at all", async () => {
      await create(7, []);
    });

    it("a config given twice: the last counts", async () => {
      const given = ["1", "2"].map((value) => ({ name: "retention.ms", value }));
      await create(7, [topic("config-twice", { configs: given })]);
    });

    it("the configs that it tells are the topic's own and its defaults", async () => {
      const made = topic("tells-configs", configs({ "retention.ms": "5", "cleanup.policy": "compact" }));
      // Apache Kafka has min.insync.replicas set for the cluster, for KIP-966.
      const only = ({ topics }: { topics: { configs: { name: string }[] }[] }) =>
        topics.map(({ configs: told, ...rest }) => [rest, told.filter(({ name }) => name !== "min.insync.replicas")]);
      await both().same(createTopicsApi, 7, { topics: [made], timeoutMs: 10_000 }, { inAnyOrder: true, only });
    });
  });

  describe("CreatePartitions", () => {
    const grow = (version: number, topics: RequestInput<typeof createPartitionsApi>["topics"], validateOnly = false) =>
      both().same(createPartitionsApi, version, { topics, timeoutMs: 10_000, validateOnly }, WHERE_IT_SAYS_SOMETHING);
    const assignments = (...ids: number[][]) => ids.map((brokerIds) => ({ brokerIds }));

    it.each([0, 1, 2, 3])("v%i", async (v) => {
      const name = `grow-${v}`;
      await both().createTopic(name, 2);
      for (const count of [2, 1, 0, -1, 3]) await grow(v, [{ name, count, assignments: null }], true);
      await grow(v, [{ name, count: 3, assignments: null }]);
      await grow(v, [{ name, count: 5, assignments: assignments([1], [1]) }]);
      await grow(v, [{ name, count: 5, assignments: assignments([1]) }]);
      await grow(v, [{ name, count: 6, assignments: [] }], true);
      await grow(v, [{ name, count: 6, assignments: assignments([1], [1]) }]);
      await grow(v, [{ name, count: 6, assignments: assignments([7]) }]);
      await grow(v, [{ name, count: 6, assignments: assignments([]) }]);
      await grow(v, [{ name, count: 6, assignments: assignments([1, 1]) }]);
      await grow(v, [{ name, count: 6, assignments: assignments([-1]) }]);
      await grow(v, [{ name, count: 6, assignments: assignments([1, 7]) }]);
      await grow(v, [{ name: "there-is-none", count: 6, assignments: null }]);
      await grow(v, [{ name: "", count: 6, assignments: null }]);
      await grow(v, [
        { name, count: 7, assignments: null },
        { name, count: 8, assignments: null },
        { name: "there-is-none", count: 2, assignments: null },
      ]);
      await grow(v, []);
    });
  });

  describe("DeleteTopics", () => {
    const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAABw";

    it.each([1, 2, 3, 4, 5])("v%i: by name", async (v) => {
      await both().createTopic(`delete-${v}`);
      const remove = (...topicNames: string[]) =>
        both().same(deleteTopicsApi, v, { topicNames, timeoutMs: 10_000 }, { inAnyOrder: true });
      await remove("there-is-none");
      await remove("");
      await remove("a b");
      await remove("there-is-none", "there-is-none", `delete-${v}`);
      await remove(`delete-${v}`);
      await remove();
    });

    it("v6: by name and by id", async () => {
      const remove = (topics: RequestInput<typeof deleteTopicsApi>["topics"]) =>
        both().same(deleteTopicsApi, 6, { topics, timeoutMs: 10_000 }, { inAnyOrder: true });
      await both().createTopic("delete-name");
      await both().createTopic("delete-id");
      await both().createTopic("delete-both");
      await both().createTopic("delete-by-both");
      await remove([{ name: "delete-name", topicId: ZERO_UUID }]);
      await both().same(deleteTopicsApi, 6, (side) => ({
        topics: [{ name: null, topicId: side.topicId("delete-id") }],
        timeoutMs: 10_000,
      }));
      await remove([{ name: null, topicId: UNKNOWN_ID }]);
      await remove([{ name: null, topicId: ZERO_UUID }]);
      await remove([{ name: "there-is-none", topicId: UNKNOWN_ID }]);
      for (const [name, withId] of [
        ["delete-both", true],
        ["delete-by-both", false],
      ] as const) {
        await both().same(
          deleteTopicsApi,
          6,
          (side) => ({
            topics: [
              { name, topicId: withId ? side.topicId(name) : ZERO_UUID },
              { name: null, topicId: side.topicId(name) },
            ],
            timeoutMs: 10_000,
          }),
          { inAnyOrder: true },
        );
      }
      await remove([
        { name: null, topicId: UNKNOWN_ID },
        { name: null, topicId: UNKNOWN_ID },
      ]);
      await remove([
        { name: "delete-both", topicId: ZERO_UUID },
        { name: "delete-both", topicId: ZERO_UUID },
      ]);
    });
  });

  describe("a topic that a client asks for", () => {
    const ask = async (name: string, version = 9) => {
      await both().ask(metadataApi, version, { topics: [{ name }], allowAutoTopicCreation: true });
      await new Promise((resolve) => setTimeout(resolve, 500));
      await both().same(metadataApi, version, { topics: [{ name }], allowAutoTopicCreation: false });
    };
    it("comes into being with the broker's defaults, unless its name is none or collides", async () => {
      await ask("asked-for");
      await ask("asked for");
      await both().createTopic("asked.for");
      await ask("asked_for");
    });
  });
}
