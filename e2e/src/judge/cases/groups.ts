import {
  deleteGroupsApi,
  describeGroupsApi,
  describeTransactionsApi,
  listGroupsApi,
  listTransactionsApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  type RequestInput,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers, Side } from "../both-brokers.ts";

const UNKNOWN_ID = "AAAAAAAAAAAAAAAAAAAABw";
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const ORDERLESS = { inAnyOrder: true };

/** Offsets and groups without members. What members may do: e2e/src/clients/groups-bad-input.test.ts. */
export function groupsCases(both: () => BothBrokers): void {
  const topicOf = (v: number, side: Side, name: string) =>
    v >= 10 ? { topicId: name === "unknown" ? UNKNOWN_ID : side.topicId(name) } : { name };

  interface Commit {
    readonly group?: string;
    readonly topics?: readonly (readonly [name: string, ...partitions: readonly Partition[]])[];
    readonly memberId?: string;
    readonly generation?: number;
    readonly groupInstanceId?: string;
    readonly retentionTimeMs?: number;
  }
  type Partition = readonly [index: number, offset: number, metadata?: string | null];

  const commit = (v: number, { group = `offsets-${v}`, topics = [], ...more }: Commit) =>
    both().same(
      offsetCommitApi,
      v,
      (side) =>
        ({
          groupId: group,
          generationIdOrMemberEpoch: more.generation ?? -1,
          memberId: more.memberId ?? "",
          ...(more.groupInstanceId !== undefined && { groupInstanceId: more.groupInstanceId }),
          ...(more.retentionTimeMs !== undefined && { retentionTimeMs: more.retentionTimeMs }),
          topics: topics.map(([name, ...partitions]) => ({
            ...topicOf(v, side, name),
            partitions: partitions.map(([partitionIndex, committedOffset, committedMetadata = "m"]) => ({
              partitionIndex,
              committedOffset,
              committedMetadata,
            })),
          })),
        }) as RequestInput<typeof offsetCommitApi>,
      ORDERLESS,
    );

  describe("OffsetCommit", () => {
    it.each(range(2, 10))("v%i: what is not there, twice, nothing, negative, too long", async (v) => {
      await both().createTopic("committed", 2);
      await commit(v, { topics: [["committed", [0, 5], [1, 6]]] });
      await commit(v, { topics: [["committed", [0, 5], [0, 7]]] });
      await commit(v, { topics: [["committed", [0, -1], [1, -5]]] });
      await commit(v, { topics: [["committed", [2, 1], [-1, 1]]] });
      await commit(v, { topics: [["committed", [0, 8, null], [1, 8, ""]]] });
      await commit(v, { topics: [["committed", [0, 8, "m".repeat(4096)], [1, 8, "m".repeat(4097)]]] });
      await commit(v, { topics: [["committed"]] });
      await commit(v, {});
      for (const name of v >= 10 ? ["unknown"] : ["there-is-none", "", "a b"]) {
        await commit(v, {
          topics: [
            [name, [0, 1]],
            ["committed", [0, 9]],
          ],
        });
      }
      await commit(v, { group: "", topics: [["committed", [0, 1]]] });
      await commit(v, { memberId: "nobody", topics: [["committed", [0, 1]]] });
      await commit(v, { generation: 5, topics: [["committed", [0, 1]]] });
      await commit(v, { generation: 5, memberId: "nobody", topics: [["committed", [0, 1]]] });
      if (v >= 7) await commit(v, { groupInstanceId: "instance", topics: [["committed", [0, 1]]] });
      if (v <= 4) await commit(v, { retentionTimeMs: 0, topics: [["committed", [0, 1]]] });
      if (v <= 4) await commit(v, { retentionTimeMs: -1, topics: [["committed", [0, 1]]] });
      await fetchAll(v);
    });
  });

  /** All that the group of a version has committed. */
  const fetchAll = (v: number) =>
    both().same(
      offsetFetchApi,
      8,
      { groups: [{ groupId: `offsets-${v}`, topics: null }], requireStable: false },
      ORDERLESS,
    );

  describe("OffsetFetch", () => {
    it.each(range(1, 7))("v%i: one group", async (v) => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "fetched-offsets", topics: [["committed", [0, 5, "note"]]] });
      const ask = (groupId: string, topics: { name: string; partitionIndexes: number[] }[] | null) =>
        both().same(offsetFetchApi, v, { groupId, topics }, ORDERLESS);
      for (const group of ["fetched-offsets", "there-is-none", ""]) {
        await ask(group, [{ name: "committed", partitionIndexes: [0, 1, 7, -1] }]);
        await ask(group, [{ name: "committed", partitionIndexes: [0, 0] }]);
        await ask(group, [{ name: "committed", partitionIndexes: [] }]);
        await ask(group, [
          { name: "there-is-none", partitionIndexes: [0] },
          { name: "", partitionIndexes: [0] },
        ]);
        await ask(group, []);
        if (v >= 2) await ask(group, null);
      }
    });

    it.each([8, 9, 10])("v%i: several groups", async (v) => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "fetched-offsets", topics: [["committed", [0, 5, "note"]]] });
      type Groups = RequestInput<typeof offsetFetchApi>["groups"];
      const ask = (groups: (side: Side) => Groups, requireStable = false) =>
        both().same(offsetFetchApi, v, (side) => ({ groups: groups(side), requireStable }), ORDERLESS);
      const committed = (side: Side, ...partitionIndexes: number[]) => ({
        ...topicOf(v, side, "committed"),
        partitionIndexes,
      });
      await ask((side) => [{ groupId: "fetched-offsets", topics: [committed(side, 0, 1, 7, -1)] }]);
      await ask((side) => [{ groupId: "fetched-offsets", topics: [committed(side, 0)] }], true);
      await ask((side) => [{ groupId: "fetched-offsets", topics: [committed(side, 0, 0)] }]);
      await ask((side) => [{ groupId: "fetched-offsets", topics: [committed(side, 0), committed(side, 1)] }]);
      await ask((side) => [{ groupId: "fetched-offsets", topics: [committed(side)] }]);
      await ask((side) => [
        { groupId: "fetched-offsets", topics: [committed(side, 0)] },
        { groupId: "fetched-offsets", topics: [committed(side, 1)] },
      ]);
      await ask(() => ["fetched-offsets", "there-is-none", ""].map((groupId) => ({ groupId, topics: null })));
      await ask(() => [{ groupId: "fetched-offsets", topics: [] }]);
      await ask(() => []);
      const unknown = v >= 10 ? { topicId: UNKNOWN_ID } : { name: "there-is-none" };
      await ask(() => [{ groupId: "fetched-offsets", topics: [{ ...unknown, partitionIndexes: [0] }] }]);
      if (v >= 9) {
        await ask((side) => [
          { groupId: "fetched-offsets", memberId: "nobody", memberEpoch: 3, topics: [committed(side, 0)] },
        ]);
        await ask(() => [{ groupId: "there-is-none", memberId: "nobody", memberEpoch: 3, topics: null }]);
        await ask(() => [{ groupId: "fetched-offsets", memberId: "nobody", memberEpoch: -1, topics: null }]);
      }
    });
  });

  describe("groups that have offsets alone", () => {
    it.each(range(0, 6))("DescribeGroups v%i", async (v) => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "described-group", topics: [["committed", [0, 5]]] });
      for (const groups of [["described-group"], ["there-is-none", ""], ["described-group", "described-group"], []]) {
        await both().same(describeGroupsApi, v, { groups }, ORDERLESS);
        if (v >= 3) await both().same(describeGroupsApi, v, { groups, includeAuthorizedOperations: true }, ORDERLESS);
      }
    });

    it.each(range(0, 5))("ListGroups v%i", async (v) => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "described-group", topics: [["committed", [0, 5]]] });
      await both().same(listGroupsApi, v, {}, ORDERLESS);
      if (v < 4) return;
      for (const statesFilter of [["Empty"], ["empty"], ["Stable", "Dead"], ["nonsense"], [""], ["Empty", "Empty"]]) {
        await both().same(listGroupsApi, v, { statesFilter }, ORDERLESS);
      }
      if (v < 5) return;
      for (const typesFilter of [["classic"], ["Classic"], ["consumer"], ["nonsense"], [""], ["share"], ["streams"]]) {
        await both().same(listGroupsApi, v, { typesFilter }, ORDERLESS);
      }
    });

    it("OffsetDelete", async () => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "deleted-offsets", topics: [["committed", [0, 5], [1, 6]]] });
      const remove = (groupId: string, ...topics: [name: string, ...partitions: number[]][]) =>
        both().same(
          offsetDeleteApi,
          0,
          {
            groupId,
            topics: topics.map(([name, ...partitions]) => ({
              name,
              partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
            })),
          },
          ORDERLESS,
        );
      await remove("deleted-offsets", ["committed", 7, -1], ["there-is-none", 0], ["", 0]);
      await remove("deleted-offsets", ["committed"]);
      await remove("deleted-offsets");
      await remove("deleted-offsets", ["committed", 0, 0]);
      await remove("deleted-offsets", ["committed", 0], ["committed", 1]);
      await remove("there-is-none", ["committed", 0]);
      await remove("", ["committed", 0]);
    });

    it.each([0, 1, 2])("DeleteGroups v%i", async (v) => {
      await both().createTopic("committed", 2);
      await commit(5, { group: "deleted-group", topics: [["committed", [0, 5]]] });
      for (const groupsNames of [["there-is-none", ""], ["deleted-group", "deleted-group"], ["deleted-group"], []]) {
        await both().same(deleteGroupsApi, v, { groupsNames }, ORDERLESS);
      }
    });
  });

  describe("transactions that there are none of", () => {
    it.each([0, 1, 2])("ListTransactions v%i", async (v) => {
      // Other cases leave transactions, with ids of each broker's own.
      const comparison = { ...ORDERLESS, ignoring: ["producerId"] };
      const ask = (more: Partial<RequestInput<typeof listTransactionsApi>>) =>
        both().same(listTransactionsApi, v, { stateFilters: [], producerIdFilters: [], ...more }, comparison);
      await ask({});
      await ask({ stateFilters: ["Ongoing", "nonsense", "", "ongoing"] });
      await ask({ producerIdFilters: [-1, 5, 5] });
      for (const durationFilter of v >= 1 ? [-1, 0, -5, 2 ** 40] : []) await ask({ durationFilter });
      for (const pattern of v >= 2 ? ["", "a.*", "(", "[", "*", "(?<n>a)\\k<n>", "a++"] : [])
        await ask({ transactionalIdPattern: pattern });
    });

    it("DescribeTransactions", async () => {
      for (const transactionalIds of [["there-is-none"], [""], ["there-is-none", "there-is-none"], []]) {
        await both().same(describeTransactionsApi, 0, { transactionalIds }, ORDERLESS);
      }
    });
  });
}
