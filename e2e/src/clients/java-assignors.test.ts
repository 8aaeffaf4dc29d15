import {
  CooperativeStickyAssignor,
  type PartitionAssignor,
  RangeAssignor,
  RoundRobinAssignor,
  StickyAssignor,
} from "@ottla/consumer";
import { decodeSubscription, encodeAssignment } from "@ottla/consumer/internal";
import { describe, expect, it } from "vitest";
import { external, kafkaClassPath } from "../harness/external.ts";
import { javaProgram } from "../harness/java-programs.ts";
import { run } from "../harness/process.ts";

/** Groups of each kind, each of which rebalances several times. */
const GROUPS = Number(process.env.OTTLA_TEST_RUNS ?? 60);
const FIRST_SEED = Number(process.env.OTTLA_TEST_SEED ?? 4_711);

type Pair = readonly [topic: string, partition: number];

/** One line: what members sent, and what Java's assignor made of it. */
interface JavaCase {
  readonly name: string;
  readonly assignor: string;
  readonly topics: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly generationId: number;
    readonly owned: readonly Pair[];
    readonly userData: string | null;
    readonly subscription: string;
  }[];
  readonly expected: Readonly<Record<string, { readonly partitions: readonly Pair[]; readonly assignment: string }>>;
}

const assignors: Readonly<Record<string, () => PartitionAssignor>> = {
  range: () => new RangeAssignor(),
  roundrobin: () => new RoundRobinAssignor(),
  sticky: () => new StickyAssignor(),
  "cooperative-sticky": () => new CooperativeStickyAssignor(),
};

const partitionsOf = (pairs: readonly Pair[]) => pairs.map(([topic, partition]) => ({ topic, partition }));
const hex = (bytes: Uint8Array | null | undefined) => (bytes == null ? null : Buffer.from(bytes).toString("hex"));
const sorted = (pairs: readonly Pair[]) => pairs.map(([topic, partition]) => `${topic}-${partition}`).sort();

/** Runs the program with the Java client's own classes. */
async function javaCases(): Promise<JavaCase[]> {
  const args = ["-Xmx256m", "-XX:+UseSerialGC", ...javaProgram("AssignorCases", kafkaClassPath!)];
  const { code, stdout, stderr } = await run(external.java!, [...args, String(GROUPS), String(FIRST_SEED)], {
    timeoutMs: 300_000,
  });
  expect(code, stderr).toBe(0);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JavaCase);
}

describe.skipIf(kafkaClassPath === null)("assignors", () => {
  it("give what the Java client's give, with the same user data, for groups of many kinds", async () => {
    const cases = await javaCases();
    const counts = new Map<string, number>();
    for (const { name, assignor, topics, members, expected } of cases) {
      counts.set(assignor, (counts.get(assignor) ?? 0) + 1);
      const subscriptions = members.map(({ memberId, groupInstanceId, subscription }) =>
        decodeSubscription(memberId, groupInstanceId, new Uint8Array(Buffer.from(subscription, "hex"))),
      );
      const subscribed = new Set(subscriptions.flatMap((subscription) => subscription.topics));
      const assignable = new Map(
        Object.entries(topics)
          .filter(([topic, racks]) => racks.length > 0 && subscribed.has(topic))
          .map(([topic, racks]) => [
            topic,
            racks.map((replicaRacks, partition) => ({ topic, partition, replicaRacks })),
          ]),
      );
      const result = assignors[assignor]!().assign(assignable, subscriptions);
      for (const { memberId, owned, generationId, userData } of members) {
        const { partitions } = result.get(memberId)!;
        const pairs = partitions.map(({ topic, partition }): Pair => [topic, partition]);
        expect(sorted(pairs), `${name}: ${memberId}`).toEqual(sorted(expected[memberId]!.partitions));
        if (generationId < 0) continue;
        const own = assignors[assignor]!();
        const group = { groupId: "g", generationId, memberId, groupInstanceId: null };
        own.onAssignment?.({ partitions: partitionsOf(owned), userData: null }, group);
        expect(hex(own.subscriptionUserData?.([])), `${name}: user data of ${memberId}`).toBe(userData);
      }
      for (const { partitions, assignment } of Object.values(expected)) {
        expect(hex(encodeAssignment({ partitions: partitionsOf(partitions), userData: null }))).toBe(assignment);
      }
    }
    expect([...counts.keys()].sort()).toEqual(Object.keys(assignors).sort());
    expect(Math.min(...counts.values())).toBeGreaterThan(GROUPS);
  });
});
