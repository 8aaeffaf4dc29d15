import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../group/consumer-protocol.ts";
import { formatPartition } from "../topic-partition.ts";
import type { AssignablePartition, MemberAssignment, MemberSubscription, PartitionAssignor } from "./assignor.ts";
import { RangeAssignor } from "./range-assignor.ts";
import { RoundRobinAssignor } from "./round-robin-assignor.ts";
import { CooperativeStickyAssignor } from "./sticky/cooperative-sticky-assignor.ts";
import { StickyAssignor } from "./sticky/sticky-assignor.ts";
import { decodeStickyUserData, encodeStickyUserData } from "./sticky/user-data.ts";

const ASSIGNORS = ["range", "roundrobin", "sticky", "cooperative-sticky"] as const;
type AssignorName = (typeof ASSIGNORS)[number];

type Pair = readonly [topic: string, partition: number];

/** One line of a fixture file; see fixtures/README.md. */
interface JavaCase {
  readonly name: string;
  readonly assignor: AssignorName;
  readonly topics: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly owned: readonly Pair[];
    readonly generationId: number;
    readonly userData: string | null;
    readonly subscription: string;
  }[];
  readonly expected: Readonly<Record<string, { readonly partitions: readonly Pair[]; readonly assignment: string }>>;
}

const fixtures = new URL("fixtures/", import.meta.url);
const javaCases = readdirSync(fixtures)
  .filter((name) => name.endsWith(".jsonl"))
  .flatMap((name) => readFileSync(new URL(name, fixtures), "utf8").trimEnd().split("\n"))
  .map((line) => JSON.parse(line) as JavaCase);

const create: Record<JavaCase["assignor"], () => PartitionAssignor> = {
  range: () => new RangeAssignor(),
  roundrobin: () => new RoundRobinAssignor(),
  sticky: () => new StickyAssignor(),
  "cooperative-sticky": () => new CooperativeStickyAssignor(),
};

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const partitionsOf = (pairs: readonly Pair[]) => pairs.map(([topic, partition]) => ({ topic, partition }));

describe("as the Java client", () => {
  test.each(ASSIGNORS)("%s assigns the same", (assignor) => {
    const cases = javaCases.filter((candidate) => candidate.assignor === assignor);
    expect(cases.length).toBeGreaterThan(0);
    for (const { name, topics, members, expected } of cases) {
      const subscriptions = members.map((member) =>
        decodeSubscription(member.memberId, member.groupInstanceId, fromHex(member.subscription)),
      );
      const result = create[assignor]().assign(assignable(topics, subscriptions), subscriptions);
      for (const { memberId } of members) {
        const actual = result.get(memberId)!.partitions.map(formatPartition).sort();
        expect(actual, `${name}: ${memberId}`).toEqual(
          partitionsOf(expected[memberId]!.partitions).map(formatPartition).sort(),
        );
      }
    }
  });

  test("the sticky assignor's user data has the same bytes", () => {
    const members = javaCases
      .filter(({ assignor }) => assignor === "sticky")
      .flatMap((javaCase) => javaCase.members)
      .filter((member) => member.userData !== null);
    expect(members.length).toBeGreaterThan(0);
    for (const { owned, generationId, userData } of members) {
      const previous = { partitions: partitionsOf(owned), generationId };
      expect(toHex(encodeStickyUserData(previous))).toBe(userData);
      const decoded = decodeStickyUserData(fromHex(userData!));
      expect(decoded.generationId).toBe(generationId);
      expect(decoded.partitions.map(formatPartition).sort()).toEqual(previous.partitions.map(formatPartition).sort());
    }
  });

  test("the cooperative sticky assignor's user data has the same bytes", () => {
    const members = javaCases
      .filter(({ assignor }) => assignor === "cooperative-sticky")
      .flatMap((javaCase) => javaCase.members);
    expect(members.some(({ generationId }) => generationId > 0)).toBe(true);
    for (const { memberId, generationId, userData } of members) {
      const assignor = new CooperativeStickyAssignor();
      const group = { groupId: "g", generationId, memberId, groupInstanceId: null };
      assignor.onAssignment({ partitions: [], userData: null }, group);
      expect(toHex(assignor.subscriptionUserData())).toBe(userData);
    }
  });

  test("subscriptions and assignments have the same bytes", () => {
    for (const { members, expected } of javaCases) {
      for (const { memberId, groupInstanceId, subscription } of members) {
        const decoded = decodeSubscription(memberId, groupInstanceId, fromHex(subscription));
        expect(toHex(encodeSubscription(decoded))).toBe(subscription);
      }
      for (const { partitions, assignment } of Object.values(expected)) {
        const encoded = encodeAssignment({ partitions: partitionsOf(partitions), userData: null });
        expect(toHex(encoded)).toBe(assignment);
        const decoded = decodeAssignment(fromHex(assignment)).partitions.map(formatPartition);
        expect(decoded.sort()).toEqual(partitionsOf(partitions).map(formatPartition).sort());
      }
    }
  });
});

describe("invariants", () => {
  test.each(ASSIGNORS)("%s: every subscribed partition has one reader", (assignor) => {
    fc.assert(
      fc.property(arbitraryGroup(), ({ topics, members }) => {
        const result = create[assignor]().assign(topics, members);
        expect([...result.keys()].sort()).toEqual(members.map((member) => member.memberId).sort());
        const assigned = [...result].flatMap(([memberId, { partitions }]) =>
          partitions.map((partition) => ({ memberId, partition })),
        );
        for (const { memberId, partition } of assigned) {
          expect(members.find((member) => member.memberId === memberId)!.topics).toContain(partition.topic);
        }
        expect(assigned.map(({ partition }) => formatPartition(partition)).sort()).toEqual(
          [...topics.values()].flat().map(formatPartition).sort(),
        );
      }),
    );
  });

  test("range and round robin do not depend on the order of members or topics", () => {
    fc.assert(
      fc.property(arbitraryGroup(), ({ topics, members }) => {
        for (const assignor of [new RangeAssignor(), new RoundRobinAssignor()]) {
          const shuffled = assignor.assign(new Map([...topics].reverse()), [...members].reverse());
          expect(sorted(shuffled)).toEqual(sorted(assignor.assign(topics, members)));
        }
      }),
    );
  });

  test("sticky: members that subscribe alike differ by one partition at most, and lose nothing without need", () => {
    fc.assert(
      fc.property(arbitraryGroup(), fc.integer({ min: 0 }), ({ topics, members }, leaving) => {
        const alike = members.map((member) => ({ ...member, topics: [...topics.keys()] }));
        const first = new StickyAssignor().assign(topics, alike);
        const survivors = rejoin(alike, first).filter((_, index) => index !== leaving % (members.length + 1));
        if (survivors.length === 0) return;
        const second = new StickyAssignor().assign(topics, survivors);
        const sizes = [...second.values()].map(({ partitions }) => partitions.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        for (const { memberId } of survivors) {
          const now = second.get(memberId)!.partitions.map(formatPartition);
          expect(now).toEqual(expect.arrayContaining(first.get(memberId)!.partitions.map(formatPartition)));
        }
      }),
    );
  });

  test("sticky: nothing moves when nothing changes", () => {
    fc.assert(
      fc.property(arbitraryGroup(), ({ topics, members }) => {
        const first = new StickyAssignor().assign(topics, members);
        expect(sorted(new StickyAssignor().assign(topics, rejoin(members, first)))).toEqual(sorted(first));
      }),
    );
  });
});

describe("sticky: claims that contradict each other", () => {
  const topics = new Map([["t", partitions("t", 4)]]);
  const claim = (memberId: string, generationId: number, ...owned: number[]) => ({
    ...subscription(memberId, ["t"]),
    generationId,
    userData: encodeStickyUserData({
      partitions: owned.map((partition) => ({ topic: "t", partition })),
      generationId,
    }),
  });
  const partitionsIn = (result: ReadonlyMap<string, MemberAssignment>, memberId: string) =>
    result
      .get(memberId)!
      .partitions.map(({ partition }) => partition)
      .sort();

  test("the newer generation is believed", () => {
    const result = new StickyAssignor().assign(topics, [claim("a", 1, 0, 1), claim("b", 2, 0, 1)]);
    expect(partitionsIn(result, "b")).toEqual([0, 1]);
  });

  test("a partition that is gone is not handed out", () => {
    const result = new StickyAssignor().assign(topics, [claim("a", 1, 0, 9), claim("b", 1, 1)]);
    expect([...partitionsIn(result, "a"), ...partitionsIn(result, "b")].sort()).toEqual([0, 1, 2, 3]);
  });

  test("user data of version 0 has no generation", () => {
    const v0 = encodeStickyUserData({ partitions: [{ topic: "t", partition: 2 }], generationId: 0 }).subarray(0, -4);
    expect(decodeStickyUserData(v0)).toEqual({ partitions: [{ topic: "t", partition: 2 }], generationId: -1 });
  });

  test.each([[null], [new Uint8Array(0)], [Uint8Array.of(1, 2, 3)], [Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0)]])(
    "user data %j makes a new member",
    (userData) => {
      expect(decodeStickyUserData(userData)).toEqual({ partitions: [], generationId: -1 });
    },
  );
});

test("the consumer protocol of a newer client is read as the newest known one", () => {
  const bytes = encodeSubscription({ ...subscription("m", ["b", "a"]), rackId: "r" });
  bytes[1] = 9;
  const extended = new Uint8Array([...bytes, 1, 2, 3]);
  expect(decodeSubscription("m", null, extended)).toMatchObject({ topics: ["a", "b"], rackId: "r" });
});

function subscription(memberId: string, topics: readonly string[]): MemberSubscription {
  return {
    memberId,
    groupInstanceId: null,
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  };
}

function partitions(topic: string, count: number): AssignablePartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition, replicaRacks: [] }));
}

/** Of the topics those that exist and that someone subscribes to: what the leader hands to an assignor. */
function assignable(
  topics: JavaCase["topics"],
  members: readonly MemberSubscription[],
): Map<string, AssignablePartition[]> {
  return new Map(
    Object.entries(topics)
      .filter(([topic, racks]) => racks.length > 0 && members.some((member) => member.topics.includes(topic)))
      .map(([topic, racks]) => [topic, racks.map((replicaRacks, partition) => ({ topic, partition, replicaRacks }))]),
  );
}

function arbitraryGroup() {
  const names = ["alpha", "beta", "gamma", "delta"];
  return fc
    .record({
      counts: fc.tuple(...names.map(() => fc.integer({ min: 0, max: 12 }))),
      members: fc.uniqueArray(
        fc
          .tuple(fc.string({ minLength: 1, maxLength: 6 }), fc.subarray(names))
          .map(([memberId, topics]) => subscription(memberId, topics)),
        { minLength: 1, maxLength: 20, selector: (member) => member.memberId },
      ),
    })
    .map(({ counts, members }) => {
      const racks = names.map((name, index) => [name, new Array<string[]>(counts[index]!).fill([])] as const);
      return { topics: assignable(Object.fromEntries(racks), members), members };
    });
}

/** The members as they join again, with what they got as their past. */
function rejoin(members: readonly MemberSubscription[], result: ReadonlyMap<string, MemberAssignment>) {
  return members.map((member) => {
    const assignor = new StickyAssignor();
    const group = { groupId: "g", generationId: 1, memberId: member.memberId, groupInstanceId: null };
    assignor.onAssignment(result.get(member.memberId)!, group);
    return { ...member, generationId: 1, userData: assignor.subscriptionUserData() };
  });
}

function sorted(result: ReadonlyMap<string, MemberAssignment>) {
  return [...result]
    .map(([memberId, assignment]) => [memberId, assignment.partitions.map(formatPartition).sort()] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
