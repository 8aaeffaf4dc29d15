import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyHistory } from "../test-support/arbitrary-history.ts";
import { imageAfter, registration } from "../test-support/controller-fixture.ts";
import { type ImageDelta, imageDelta, isElection } from "./image-delta.ts";
import { recordsOf } from "./image-records.ts";
import { EMPTY_IMAGE, type MetadataImage, type PartitionImage, topicById } from "./metadata-image.ts";
import { PersistentMap } from "./persistent-map.ts";

/** The image as plain data, without where in the log it is. */
function contents({ offset: _, epoch: __, ...image }: MetadataImage) {
  return Object.fromEntries(
    Object.entries(image).map(([key, value]) => [
      key,
      value instanceof PersistentMap ? new Map<string, unknown>(value as PersistentMap<unknown>) : value,
    ]),
  );
}

describe("the metadata image", () => {
  it("is the same whichever way the records came: one by one, or as a snapshot", () => {
    fc.assert(
      fc.property(anyHistory, ({ images, records }) => {
        const last = images.at(-1)!;
        expect(contents(imageAfter(records.flat(), images[0]))).toEqual(contents(last));
        expect(contents(imageAfter(recordsOf(last)))).toEqual(contents(last));
      }),
      { numRuns: 200 },
    );
  });

  it("finds a topic by its id exactly as long as it is there by its name", () => {
    fc.assert(
      fc.property(anyHistory, ({ images }) => {
        for (const image of images) {
          expect(image.topicNamesById.size).toBe(image.topicsByName.size);
          for (const topic of image.topicsByName.values()) expect(topicById(image, topic.topicId)).toBe(topic);
        }
      }),
    );
  });

  it("keeps partition numbers, leaders and in-sync replicas consistent", () => {
    fc.assert(
      fc.property(anyHistory, ({ images }) => {
        for (const { partitions } of images.at(-1)!.topicsByName.values()) {
          for (const [index, partition] of partitions.entries()) {
            expect(partition.partition).toBe(index);
            expect(partition.replicas).toContain(partition.leader);
            for (const broker of partition.isr) expect(partition.replicas).toContain(broker);
            expect(partition.directories).toHaveLength(partition.replicas.length);
          }
        }
      }),
    );
  });

  it.each([
    [
      "a partition of no topic",
      {
        type: "PartitionRecord",
        partitionId: 0,
        topicId: "AAAAAAAAAAAAAAAAAAAACQ",
        replicas: [],
        isr: [],
        removingReplicas: [],
        addingReplicas: [],
      },
    ],
    ["a change of no topic", { type: "PartitionChangeRecord", partitionId: 0, topicId: "AAAAAAAAAAAAAAAAAAAACQ" }],
    ["the removal of no topic", { type: "RemoveTopicRecord", topicId: "AAAAAAAAAAAAAAAAAAAACQ" }],
    ["a broker's earlier life", { type: "FenceBrokerRecord", id: 1, epoch: 3 }],
  ] as const)("refuses records that cannot be: %s", (_, record) => {
    expect(() => imageAfter([registration(1), record])).toThrow(/which is not there/);
  });
});

/** What a broker does that keeps a plain copy of everything, by differences alone. */
function replayed(state: Map<string, PartitionImage>, delta: ImageDelta): Map<string, PartitionImage> {
  const after = new Map(state);
  for (const { topicId, partitions } of delta.deletedTopics) {
    for (const { partition } of partitions) after.delete(`${topicId}-${partition}`);
  }
  for (const { topic, after: partition } of delta.changedPartitions) {
    after.set(`${topic.topicId}-${partition.partition}`, partition);
  }
  return after;
}

function allPartitions(image: MetadataImage): Map<string, PartitionImage> {
  return new Map(
    [...image.topicsByName.values()].flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => [`${topicId}-${partition.partition}`, partition] as const),
    ),
  );
}

describe("the difference between two images", () => {
  it("leads from the one to the other, in steps or at once", () => {
    fc.assert(
      fc.property(anyHistory, fc.integer({ min: 1, max: 5 }), ({ images }, step) => {
        let state = allPartitions(EMPTY_IMAGE);
        let previous = EMPTY_IMAGE;
        for (let index = 0; index < images.length; index += step) {
          state = replayed(state, imageDelta(previous, images[index]!));
          previous = images[index]!;
          expect(state).toEqual(allPartitions(previous));
        }
      }),
    );
  });

  it("is empty between an image and itself", () => {
    fc.assert(
      fc.property(anyHistory, ({ images }) => {
        const image = images.at(-1)!;
        expect(imageDelta(image, image)).toEqual({
          deletedTopics: [],
          changedPartitions: [],
          changedConfigs: [],
          changedBrokers: [],
        });
      }),
    );
  });

  const topic = (topicId: string) => [
    { type: "TopicRecord", name: "t", topicId } as const,
    {
      type: "PartitionRecord",
      partitionId: 0,
      topicId,
      replicas: [1],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
    } as const,
  ];
  const [OLD, NEW] = ["AAAAAAAAAAAAAAAAAAAACQ", "AAAAAAAAAAAAAAAAAAAADQ"] as const;

  it("sees a topic that was deleted and created again as two topics", () => {
    const before = imageAfter(topic(OLD));
    const after = imageAfter([{ type: "RemoveTopicRecord", topicId: OLD }, ...topic(NEW)], before);
    const delta = imageDelta(before, after);
    expect(delta.deletedTopics.map(({ topicId }) => topicId)).toEqual([OLD]);
    expect(delta.changedPartitions).toMatchObject([{ topic: { topicId: NEW }, before: null }]);
  });

  it("tells an election from another change", () => {
    const before = imageAfter(topic(OLD));
    const changeBy = (change: { leader?: number; isr?: number[] }) => {
      const after = imageAfter([{ type: "PartitionChangeRecord", partitionId: 0, topicId: OLD, ...change }], before);
      const [changed] = imageDelta(before, after).changedPartitions;
      return { isElection: isElection(changed!), ...changed!.after };
    };
    expect(changeBy({ leader: 1 })).toMatchObject({ isElection: true, leaderEpoch: 1, partitionEpoch: 1 });
    expect(changeBy({ isr: [] })).toMatchObject({ isElection: false, leaderEpoch: 0, partitionEpoch: 1 });
  });
});
