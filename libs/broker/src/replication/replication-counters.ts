import { imageDelta, isElection, LeaderRecoveryState, type MetadataImage, NO_LEADER } from "@ottla/metadata";
import { ErrorCode } from "@ottla/protocol";
import type { AlteredPartition } from "../cluster/controller-client.ts";

/** What has happened to replicas since this broker has started. Plain counters. */
export class ReplicationCounters {
  /** ISRs that this broker, as their leader, has had made smaller or larger, and those that the controller refused. */
  isrShrinks = 0;
  isrExpands = 0;
  failedIsrUpdates = 0;
  /** Bytes of record batches from leaders, and to followers. */
  bytesIn = 0;
  bytesOut = 0;
  /** Elections while this broker was the controller, and those of a replica that may lack what was acknowledged. */
  leaderElections = 0;
  uncleanLeaderElections = 0;

  isrAltered({ errorCode, isr }: AlteredPartition, membersBefore: number): void {
    if (errorCode !== ErrorCode.NONE) this.failedIsrUpdates++;
    else if (isr.length < membersBefore) this.isrShrinks++;
    else if (isr.length > membersBefore) this.isrExpands++;
  }

  /** To be told of every image while this broker is the controller. */
  metadataChanged(previous: MetadataImage, next: MetadataImage): void {
    for (const change of imageDelta(previous, next).changedPartitions) {
      const { before, after } = change;
      if (before === null || after.leader === NO_LEADER || !isElection(change)) continue;
      this.leaderElections++;
      if (after.leaderRecoveryState === LeaderRecoveryState.RECOVERING) this.uncleanLeaderElections++;
    }
  }
}
