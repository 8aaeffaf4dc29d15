import {
  alterPartitionReassignmentsApi,
  electLeadersApi,
  listPartitionReassignmentsApi,
  unregisterBrokerApi,
} from "@ottla/protocol";
import { describe, it } from "vitest";
import type { BothBrokers } from "../both-brokers.ts";

/** Codes are compared, and what is answered at all; the words are our own. */
const CODES = { ignoring: ["errorMessage"], inAnyOrder: true };

export function clusterCases(both: () => BothBrokers): void {
  describe("ElectLeaders", () => {
    it.each([0, 1, 2])("v%i", async (v) => {
      await both().createTopic("elected", 2);
      for (const electionType of v >= 1 ? [0, 1] : [0]) {
        const elect = (topic: string, ...partitions: number[]) =>
          both().same(
            electLeadersApi,
            v,
            { ...(v >= 1 && { electionType }), topicPartitions: [{ topic, partitions }], timeoutMs: 5000 },
            CODES,
          );
        await elect("elected", 0, 1);
        await elect("elected", 7);
        await elect("there-is-none", 0);
      }
    });
  });

  describe("reassignments of partitions", () => {
    it("those to the broker that has them already, to none, and of what is not there", async () => {
      await both().createTopic("reassigned", 2);
      const reassign = (name: string, partitionIndex: number, replicas: number[] | null) =>
        both().same(
          alterPartitionReassignmentsApi,
          0,
          { timeoutMs: 5000, topics: [{ name, partitions: [{ partitionIndex, replicas }] }] },
          CODES,
        );
      await reassign("reassigned", 0, [1]);
      await reassign("reassigned", 0, null);
      await reassign("reassigned", 0, []);
      await reassign("reassigned", 0, [7]);
      await reassign("reassigned", 0, [1, 1]);
      await reassign("reassigned", 9, [1]);
      await reassign("there-is-none", 0, [1]);
      await both().same(listPartitionReassignmentsApi, 0, { timeoutMs: 5000, topics: null }, CODES);
      const topics = [{ name: "reassigned", partitionIndexes: [0, 9] }];
      await both().same(listPartitionReassignmentsApi, 0, { timeoutMs: 5000, topics }, CODES);
    });
  });

  describe("UnregisterBroker", () => {
    it("of one that there is not", async () => {
      await both().same(unregisterBrokerApi, 0, { brokerId: 77 }, CODES);
    });
  });
}
