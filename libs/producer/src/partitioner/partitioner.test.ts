import { seededRandom } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import { partitionOfKey } from "./murmur2.ts";
import { type PartitionedTopic, type PartitionerOption, topicPartitioners } from "./partitioner.ts";

const TOPIC: PartitionedTopic = {
  ...{ name: "orders", partitionCount: 4, availablePartitions: [0, 1, 2, 3] },
  backlogOf: () => 0,
};
const STICKY_BYTES = 100;

function partitioner(option?: PartitionerOption, isAdaptive = true) {
  return topicPartitioners(option, { stickyBytes: STICKY_BYTES, isAdaptive }, seededRandom(5))();
}

/** Chooses for records of `sizeBytes` without a key. */
function chooseKeyless(
  chosen: ReturnType<typeof partitioner>,
  count: number,
  sizeBytes: number,
  topic = TOPIC,
): number[] {
  return Array.from({ length: count }, () => {
    const partition = chosen.choose(topic, null, "v", []);
    chosen.appended(sizeBytes);
    return partition;
  });
}

describe("the default partitioner", () => {
  test("goes by the key's murmur2", () => {
    const chosen = partitioner();
    for (const key of ["a", "b", "foobar", "héllo"]) {
      expect(chosen.choose(TOPIC, key, "v", [])).toBe(partitionOfKey(key, 4));
    }
  });

  test("goes by the key also where that partition has no leader", () => {
    const chosen = partitioner();
    const partition = partitionOfKey("a", 4);
    const availablePartitions = TOPIC.availablePartitions.filter((available) => available !== partition);
    expect(chosen.choose({ ...TOPIC, availablePartitions }, "a", "v", [])).toBe(partition);
  });

  test("without a key stays with a partition for a batch's bytes, then goes to another", () => {
    const partitions = chooseKeyless(partitioner(), 40, 10);
    for (let start = 0; start < 40; start += 10) {
      expect(new Set(partitions.slice(start, start + 10)).size).toBe(1);
      if (start > 0) expect(partitions[start]).not.toBe(partitions[start - 1]);
    }
  });

  test("a full batch ends the turn of a keyless record, not of one with a key", () => {
    const chosen = partitioner();
    const [first] = chooseKeyless(chosen, 1, 10);
    expect(chosen.batchFull()).toBe(true);
    expect(chosen.choose(TOPIC, null, "v", [])).not.toBe(first);
    chosen.choose(TOPIC, "key", "v", []);
    expect(chosen.batchFull()).toBe(false);
  });

  test("in the long run each partition gets about the same", () => {
    const counts = [0, 0, 0, 0];
    for (const partition of chooseKeyless(partitioner(), 40_000, 10)) counts[partition]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(600);
  });

  test("keyless records avoid partitions without a leader", () => {
    const topic = { ...TOPIC, availablePartitions: [1, 3] };
    expect(new Set(chooseKeyless(partitioner(), 100, 50, topic))).toEqual(new Set([1, 3]));
  });

  test("one partition is enough", () => {
    const topic = { ...TOPIC, name: "one", partitionCount: 1, availablePartitions: [0] };
    expect(new Set(chooseKeyless(partitioner(), 10, 50, topic))).toEqual(new Set([0]));
  });
});

describe("adaptive partitioning", () => {
  const shares = (backlogs: readonly (number | null)[], isAdaptive = true) => {
    const counts = [0, 0, 0, 0];
    const topic = { ...TOPIC, backlogOf: (partition: number) => backlogs[partition]! };
    for (const partition of chooseKeyless(partitioner("default", isAdaptive), 40_000, STICKY_BYTES, topic)) {
      counts[partition]!++;
    }
    return counts.map((count) => Math.round((count / 40_000) * 100) / 100);
  };

  test("goes by how many batches wait: one more than the most, less its own", () => {
    const [first, second, third, fourth] = shares([0, 3, 3, 0]);
    for (const share of [first!, fourth!]) expect(Math.abs(share - 0.4)).toBeLessThan(0.02);
    for (const share of [second!, third!]) expect(Math.abs(share - 0.1)).toBeLessThan(0.02);
  });

  test("gives nothing to partitions whose leader takes nothing, unless all do", () => {
    expect(shares([0, null, 0, null])).toEqual([0.5, 0, 0.5, 0].map((share) => expect.closeTo(share, 1)));
    for (const share of shares([null, null, null, null])) expect(share).toBeCloseTo(0.25, 1);
  });

  test("can be turned off", () => {
    for (const share of shares([0, 9, null, 0], false)) expect(share).toBeCloseTo(0.25, 1);
  });
});

test("roundRobin takes the partitions in turn, whatever the key", () => {
  const chosen = partitioner("roundRobin");
  const partitions = Array.from({ length: 8 }, () => chosen.choose(TOPIC, "same", "v", []));
  expect(new Set(partitions.slice(0, 4)).size).toBe(4);
  expect(partitions.slice(4)).toEqual(partitions.slice(0, 4));
});

test("uniformSticky does not look at the key", () => {
  const chosen = partitioner("uniformSticky");
  const partitions = ["a", "b", "c", "d", "e"].map((key) => chosen.choose(TOPIC, key, "v", []));
  expect(new Set(partitions).size).toBe(1);
});

test("a function of one's own decides by what it is told", () => {
  const chosen = partitioner(({ topic, key, value, headers, partitionCount, availablePartitions }) => {
    expect({ topic, key, value, headers, partitionCount, availablePartitions }).toEqual({
      topic: "orders",
      key: "k",
      value: "v",
      headers: [["h", "1"]],
      partitionCount: 4,
      availablePartitions: [0, 1, 2, 3],
    });
    return 2;
  });
  expect(chosen.choose(TOPIC, "k", "v", [["h", "1"]])).toBe(2);
});

test("anything else is refused", () => {
  expect(() => partitioner("random" as never)).toThrow('partitioner is "random"; it must be "default"');
});
