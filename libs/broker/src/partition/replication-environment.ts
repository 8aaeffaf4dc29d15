import type { BrokerImage } from "@ottla/metadata";
import type { Clock } from "@ottla/runtime";
import type { AlteredPartition, PartitionAlteration } from "../cluster/controller-client.ts";

/** What partitions know of the cluster around their broker, and what they may ask of it. */
export interface ReplicationEnvironment {
  readonly nodeId: number;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** This broker's epoch, -1 before it is registered. */
  brokerEpoch(): number;
  /** A broker as the metadata has it now. */
  brokerOf(brokerId: number): BrokerImage | undefined;
  /** `replica.lag.time.max.ms`. */
  replicaLagTimeMaxMs(): number;
  /** Called when a broker has a partition more to follow this one in. */
  followerExpected(brokerId: number): void;
  /**
   * Asks the controller for another ISR until it has answered.
   * @param isWanted asked before each attempt; there is no answer (null) where it says no
   */
  alterPartition(alteration: PartitionAlteration, isWanted: () => boolean): Promise<AlteredPartition | null>;
}
