import { KafkaError } from "@ottla/protocol";
import { seededRandom } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { imageAfter, registration } from "../test-support/controller-fixture.ts";
import { placeReplicas } from "./replica-placement.ts";

const inRack = (brokerId: number, rack: string | null, fenced = false) =>
  ({ ...registration(brokerId, fenced), rack }) as NewMetadataRecord;

describe("the placement of replicas", () => {
  it("balances replicas and leaders, and spreads them over racks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        (racks, perRack, factor, seed) => {
          const brokers = racks * perRack;
          fc.pre(factor <= brokers);
          const records = Array.from({ length: brokers }, (_, index) => inRack(index + 1, `rack-${index % racks}`));
          const image = imageAfter(records);
          const placed = placeReplicas(image, brokers * 4, factor, seededRandom(seed));
          const leaders = new Map<number, number>();
          const replicasOf = new Map<number, number>();
          for (const replicas of placed) {
            expect(new Set(replicas).size).toBe(factor);
            const perRackOfPartition = new Map<number, number>();
            for (const id of replicas) {
              replicasOf.set(id, (replicasOf.get(id) ?? 0) + 1);
              perRackOfPartition.set((id - 1) % racks, (perRackOfPartition.get((id - 1) % racks) ?? 0) + 1);
            }
            expect(perRackOfPartition.size).toBe(Math.min(racks, factor));
            leaders.set(replicas[0]!, (leaders.get(replicas[0]!) ?? 0) + 1);
          }
          expect([...leaders.values()]).toEqual(new Array(brokers).fill(4));
          const counts = [...replicasOf.values()];
          expect(counts).toHaveLength(brokers);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("spreads the followers of each leader", () => {
    const image = imageAfter([1, 2, 3, 4].map((id) => inRack(id, null)));
    const placed = placeReplicas(image, 24, 2, seededRandom(1));
    const followersOf1 = new Set(placed.filter(([leader]) => leader === 1).map(([, follower]) => follower));
    expect(followersOf1).toEqual(new Set([2, 3, 4]));
  });

  it("takes fenced brokers only where there are too few others, and never first", () => {
    const image = imageAfter([inRack(1, null), inRack(2, null), inRack(3, null, true)]);
    for (const replicas of placeReplicas(image, 10, 2, seededRandom(1))) expect(replicas).not.toContain(3);
    for (const replicas of placeReplicas(image, 10, 3, seededRandom(1))) expect(replicas.indexOf(3)).toBe(2);
  });

  it("refuses more replicas than there are brokers, and any where all are fenced", () => {
    const image = imageAfter([inRack(1, null), inRack(2, null)]);
    expect(() => placeReplicas(image, 1, 3, seededRandom(1))).toThrow(KafkaError);
    const allFenced = imageAfter([inRack(1, null, true)]);
    expect(() => placeReplicas(allFenced, 1, 1, seededRandom(1))).toThrow(/All brokers are currently fenced/);
  });
});
