import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AssignorInput, type AssignorMember, NO_PARTITIONS, type Partitions } from "./assignor.ts";
import { assignors } from "./index.ts";

const TOPICS = ["A", "B", "C", "D"];

/** Members with subscriptions as bit masks over the topics, and partition counts. */
const group = fc.record({
  counts: fc.array(fc.nat(9), { minLength: TOPICS.length, maxLength: TOPICS.length }),
  masks: fc.array(fc.nat(15), { minLength: 1, maxLength: 9 }),
});

function inputOf(counts: readonly number[], masks: readonly number[], current: ReadonlyMap<string, Partitions>) {
  const members = masks.map((mask, index): AssignorMember => {
    const memberId = `m${index}`;
    const subscribedTopicIds = new Set(TOPICS.filter((_, bit) => (mask >> bit) & 1));
    return { memberId, instanceId: null, subscribedTopicIds, current: current.get(memberId) ?? NO_PARTITIONS };
  });
  const read = TOPICS.filter((topic) => members.some(({ subscribedTopicIds }) => subscribedTopicIds.has(topic)));
  const partitionCounts = new Map(read.map((topic) => [topic, counts[TOPICS.indexOf(topic)]!]));
  return { members, partitionCounts, isHomogeneous: new Set(masks).size === 1 } satisfies AssignorInput;
}

function owners(assigned: ReadonlyMap<string, Partitions>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [memberId, topics] of assigned) {
    for (const [topic, partitions] of topics) {
      for (const partition of partitions) {
        expect(found.has(`${topic}-${partition}`), `${topic}-${partition} twice`).toBe(false);
        found.set(`${topic}-${partition}`, memberId);
      }
    }
  }
  return found;
}

const sizeOf = (partitions: Partitions | undefined) =>
  [...(partitions ?? NO_PARTITIONS).values()].reduce((sum, list) => sum + list.length, 0);

describe.each(["uniform", "range"])("%s", (name) => {
  const assignor = assignors.get(name)!;

  it("gives every partition to one member that reads its topic, and nothing else", () => {
    fc.assert(
      fc.property(group, group, ({ counts, masks }, before) => {
        const current = assignor(inputOf(before.counts, before.masks, new Map()));
        const input = inputOf(counts, masks, current);
        const found = owners(assignor(input));
        let total = 0;
        for (const count of input.partitionCounts.values()) total += count;
        expect(found.size).toBe(total);
        for (const [partition, memberId] of found) {
          const [topic, number] = partition.split("-");
          const member = input.members.find((candidate) => candidate.memberId === memberId)!;
          expect(member.subscribedTopicIds.has(topic!)).toBe(true);
          expect(Number(number)).toBeLessThan(input.partitionCounts.get(topic!)!);
        }
      }),
    );
  });
});

describe("uniform", () => {
  const uniform = assignors.get("uniform")!;

  it("is even to within one where all read the same, and moves no more than that takes", () => {
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 9 }), ({ counts }, size) => {
        const before = uniform(inputOf(counts, Array(size).fill(15), new Map()));
        const grown = inputOf(counts, Array(size + 1).fill(15), before);
        const after = uniform(grown);
        const sizes = grown.members.map(({ memberId }) => sizeOf(after.get(memberId)));
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const [was, is] = [owners(before), owners(after)];
        const moved = [...is].filter(([partition, memberId]) => was.get(partition) !== memberId);
        expect(moved).toHaveLength(sizeOf(after.get(`m${size}`)));
        // Nothing moves when nothing has changed.
        expect(owners(uniform(inputOf(counts, Array(size + 1).fill(15), after)))).toEqual(is);
      }),
    );
  });

  it("leaves no two subscribers of a topic two apart, where one could give to the other", () => {
    fc.assert(
      fc.property(group, ({ counts, masks }) => {
        const input = inputOf(counts, masks, new Map());
        const assigned = uniform(input);
        for (const rich of input.members) {
          for (const [topic, partitions] of assigned.get(rich.memberId) ?? NO_PARTITIONS) {
            if (partitions.length === 0) continue;
            for (const poor of input.members) {
              if (!poor.subscribedTopicIds.has(topic)) continue;
              expect(sizeOf(assigned.get(rich.memberId)) - sizeOf(assigned.get(poor.memberId))).toBeLessThan(2);
            }
          }
        }
      }),
    );
  });
});

describe("range", () => {
  it("gives neighbours to members in order, static ones first, the same in every topic", () => {
    const member = (memberId: string, instanceId: string | null): AssignorMember => ({
      memberId,
      instanceId,
      subscribedTopicIds: new Set(["A", "B"]),
      current: NO_PARTITIONS,
    });
    const members = [member("a", null), member("z", "i2"), member("y", "i1")];
    const partitionCounts = new Map([
      ["A", 5],
      ["B", 5],
    ]);
    const assigned = assignors.get("range")!({ members, partitionCounts, isHomogeneous: true });
    const plain = Object.fromEntries([...assigned].map(([id, topics]) => [id, Object.fromEntries(topics)]));
    expect(plain).toEqual({ y: { A: [0, 1], B: [0, 1] }, z: { A: [2, 3], B: [2, 3] }, a: { A: [4], B: [4] } });
  });
});
