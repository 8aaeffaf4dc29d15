import {
  describeClusterApi,
  describeTopicPartitionsApi,
  metadataApi,
  type RequestInput,
  ZERO_UUID,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers, Side } from "../both-brokers.ts";

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAABw";
const LONG_NAME = "n".repeat(250);

/** The topics of a request, as far as a version can name them. */
function named(version: number, ...names: string[]): RequestInput<typeof metadataApi> {
  const topics = names.map((name) => (version >= 10 ? { name, topicId: ZERO_UUID } : { name }));
  return { topics, ...(version >= 4 && { allowAutoTopicCreation: false }) };
}

const byId = (ids: (side: Side) => string[]) => (side: Side) => ({
  topics: ids(side).map((topicId) => ({ name: null, topicId })),
  allowAutoTopicCreation: false,
});

export function metadataCases(both: () => BothBrokers): void {
  const versions = Array.from({ length: 14 }, (_, version) => version);

  describe("Metadata", () => {
    it.each(versions)("v%i: topics, unknown ones, one that is named twice, names that no topic can have", async (v) => {
      await both().createTopic(`meta-${v}`, 3);
      const create = v >= 4 ? [] : ["auto"];
      await both().same(metadataApi, v, named(v, `meta-${v}`));
      await both().same(metadataApi, v, named(v, `meta-${v}`, `meta-${v}`));
      if (create.length === 0) await both().same(metadataApi, v, named(v, "there-is-none", `meta-${v}`), ORDERLESS);
      await both().same(metadataApi, v, named(v, "", `meta-${v}`), ORDERLESS);
      for (const name of [".", "..", "a b", "a/b", LONG_NAME]) await both().same(metadataApi, v, named(v, name));
      if (v >= 1) await both().same(metadataApi, v, { topics: [] });
    });

    it.each([0, 1, 8, 12])("v%i: all topics", async (v) => {
      await both().createTopic("meta-all", 1);
      await both().same(metadataApi, v, { topics: v === 0 ? [] : null }, ORDERLESS);
    });

    it.each([8, 10])("v%i: operations that are allowed, of the cluster and of topics", async (v) => {
      await both().createTopic("meta-operations");
      const asked = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true };
      await both().same(metadataApi, v, { ...named(v, "meta-operations"), ...asked });
      await both().same(metadataApi, v, { ...named(v, "there-is-none"), ...asked });
    });

    it("v12 and later: topics by id, unknown ids, twice, id and name mixed", async () => {
      await both().createTopic("meta-by-id", 2);
      for (const v of [12, 13]) {
        await both().same(
          metadataApi,
          v,
          byId((side) => [side.topicId("meta-by-id")]),
        );
        await both().same(
          metadataApi,
          v,
          byId((side) => [side.topicId("meta-by-id"), side.topicId("meta-by-id")]),
        );
        await both().same(
          metadataApi,
          v,
          byId((side) => [side.topicId("meta-by-id"), UNKNOWN_ID]),
          ORDERLESS,
        );
        await both().same(
          metadataApi,
          v,
          byId(() => [UNKNOWN_ID, UNKNOWN_ID]),
        );
        const mixed = (side: Side) => ({
          topics: [
            { name: "meta-by-id", topicId: ZERO_UUID },
            { name: null, topicId: side.topicId("meta-by-id") },
          ],
          allowAutoTopicCreation: false,
        });
        await both().same(metadataApi, v, mixed);
        const idAndName = (side: Side) => ({
          topics: [{ name: "meta-by-id", topicId: side.topicId("meta-by-id") }],
          allowAutoTopicCreation: false,
        });
        await both().same(metadataApi, v, idAndName);
      }
    });

    it.each([10, 11])("v%i: no look-up by id yet", async (v) => {
      await both().createTopic("meta-not-by-id", 2);
      await both().same(
        metadataApi,
        v,
        byId((side) => [side.topicId("meta-not-by-id")]),
      );
      await both().same(
        metadataApi,
        v,
        byId(() => [ZERO_UUID]),
      );
    });

    it("internal topics say so, and are not made for who may not", async () => {
      await both().same(metadataApi, 12, named(12, "__consumer_offsets"), { only: withoutPartitions });
      await both().same(metadataApi, 12, named(12, "__transaction_state"), { only: withoutPartitions });
    });
  });

  describe("DescribeCluster", () => {
    it.each([0, 1, 2])("v%i", async (v) => {
      const asked = { includeClusterAuthorizedOperations: false };
      await both().same(describeClusterApi, v, asked);
      await both().same(describeClusterApi, v, { includeClusterAuthorizedOperations: true });
      if (v >= 1) {
        for (const endpointType of [0, 1, 2, 3]) await both().same(describeClusterApi, v, { ...asked, endpointType });
      }
      if (v >= 2) await both().same(describeClusterApi, v, { ...asked, includeFencedBrokers: true });
    });
  });

  describe("DescribeTopicPartitions", () => {
    const ask = (body: RequestInput<typeof describeTopicPartitionsApi>) =>
      both().same(describeTopicPartitionsApi, 0, body);

    it("topics, unknown ones, names that no topic can have, twice", async () => {
      await both().createTopic("pages-a", 3);
      await both().createTopic("pages-b", 5);
      const topics = (...names: string[]) => ({ topics: names.map((name) => ({ name })) });
      for (const names of [
        ["pages-a"],
        ["pages-b", "pages-a"],
        ["pages-a", "pages-a"],
        ["there-is-none", "pages-a"],
        ["a b"],
        [LONG_NAME],
      ]) {
        await ask(topics(...names));
      }
    });

    it("pages, their cursors and limits", async () => {
      await both().createTopic("pages-a", 3);
      await both().createTopic("pages-b", 5);
      const topics = [{ name: "pages-a" }, { name: "pages-b" }];
      for (const responsePartitionLimit of [-1, 0, 1, 2, 3, 4, 8, 9, 100_000]) {
        await ask({ topics, responsePartitionLimit });
      }
      for (const cursor of [
        { topicName: "pages-a", partitionIndex: 1 },
        { topicName: "pages-a", partitionIndex: 3 },
        { topicName: "pages-a", partitionIndex: 30 },
        { topicName: "pages-b", partitionIndex: 0 },
        { topicName: "pages-b", partitionIndex: 4 },
        { topicName: "pages-aa", partitionIndex: 2 },
        { topicName: "zzz", partitionIndex: 0 },
        { topicName: "", partitionIndex: 0 },
        { topicName: "pages-a", partitionIndex: -1 },
      ]) {
        await ask({ topics, responsePartitionLimit: 3, cursor });
        await ask({ topics, cursor });
      }
      await ask({ topics: [{ name: "pages-a" }, { name: "there-is-none" }], responsePartitionLimit: 3 });
      await ask({ topics: [{ name: "pages-b" }], cursor: { topicName: "pages-a", partitionIndex: 1 } });
    });
  });
}

const ORDERLESS = { inAnyOrder: true };

function withoutPartitions({ topics }: { readonly topics: readonly object[] }): unknown {
  return topics.map((topic) => ({ ...topic, partitions: null }));
}
