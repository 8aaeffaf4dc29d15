import { array, int16, int32, int64, string, struct, uint16, uuid } from "../../schema/field.ts";
import { type Infer, message } from "../../schema/message.ts";

/** Key of a control record. */
export const controlRecordKey = message({ name: "ControlRecordTypeSchema", validVersions: "0" }, { type: int16() });

/** Value of the control records that commit or abort a transaction. */
export const endTxnMarker = message({ name: "EndTxnMarker", validVersions: "0" }, { coordinatorEpoch: int32() });

const voterFields = { voterId: int32(), voterDirectoryId: uuid({ versions: "1+" }) } as const;

/** Written by a new leader of a KRaft log. */
export const leaderChangeMessage = message(
  { name: "LeaderChangeMessage", validVersions: "0-1", flexibleVersions: "0+" },
  { version: int16(), leaderId: int32(), voters: array(voterFields), grantingVoters: array(voterFields) },
);

/** The version of KRaft in use (KIP-853). */
export const kraftVersionRecord = message(
  { name: "KRaftVersionRecord", validVersions: "0", flexibleVersions: "0+" },
  { version: int16(), kRaftVersion: int16() },
);

/** The voters of a KRaft quorum (KIP-853). */
export const votersRecord = message(
  { name: "VotersRecord", validVersions: "0", flexibleVersions: "0+" },
  {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
);

/** First record of a snapshot. */
export const snapshotHeaderRecord = message(
  { name: "SnapshotHeaderRecord", validVersions: "0", flexibleVersions: "0+" },
  { version: int16(), lastContainedLogTimestamp: int64() },
);

/** Last record of a snapshot. */
export const snapshotFooterRecord = message(
  { name: "SnapshotFooterRecord", validVersions: "0", flexibleVersions: "0+" },
  { version: int16() },
);

export interface ControlRecordKey extends Infer<typeof controlRecordKey> {}
export interface EndTxnMarker extends Infer<typeof endTxnMarker> {}
export interface LeaderChangeMessage extends Infer<typeof leaderChangeMessage> {}
export interface KraftVersionRecord extends Infer<typeof kraftVersionRecord> {}
export interface VotersRecord extends Infer<typeof votersRecord> {}
export interface SnapshotHeaderRecord extends Infer<typeof snapshotHeaderRecord> {}
export interface SnapshotFooterRecord extends Infer<typeof snapshotFooterRecord> {}
