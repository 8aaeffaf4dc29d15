import { int8, string } from "../../schema/field.ts";
import { message } from "../../schema/message.ts";
import { type MetadataRecordOf, metadataRecord } from "./metadata-record.ts";

/** Records up to the matching end belong together. */
export const beginTransactionRecord = metadataRecord(
  23,
  message(
    { name: "BeginTransactionRecord", validVersions: "0", flexibleVersions: "0+" },
    { name: string({ nullable: "0+", tag: 0, default: null }) },
  ),
);

/** The records since the beginning take effect. */
export const endTransactionRecord = metadataRecord(
  24,
  message({ name: "EndTransactionRecord", validVersions: "0", flexibleVersions: "0+" }, {}),
);

/** The records since the beginning are void. */
export const abortTransactionRecord = metadataRecord(
  25,
  message(
    { name: "AbortTransactionRecord", validVersions: "0", flexibleVersions: "0+" },
    { reason: string({ nullable: "0+", tag: 0, default: null }) },
  ),
);

/** Nothing; keeps the log moving. */
export const noOpRecord = metadataRecord(
  20,
  message({ name: "NoOpRecord", validVersions: "0", flexibleVersions: "0+" }, {}),
);

/** State of the migration from ZooKeeper, which Kafka no longer has. */
export const zkMigrationRecord = metadataRecord(
  21,
  message({ name: "ZkMigrationStateRecord", validVersions: "0", flexibleVersions: "0+" }, { zkMigrationState: int8() }),
);

export interface BeginTransactionRecord extends MetadataRecordOf<typeof beginTransactionRecord> {}
export interface EndTransactionRecord extends MetadataRecordOf<typeof endTransactionRecord> {}
export interface AbortTransactionRecord extends MetadataRecordOf<typeof abortTransactionRecord> {}
export interface NoOpRecord extends MetadataRecordOf<typeof noOpRecord> {}
export interface ZkMigrationRecord extends MetadataRecordOf<typeof zkMigrationRecord> {}
