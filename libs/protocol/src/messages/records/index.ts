export * from "./consumer-group.ts";
export * from "./control.ts";
export { type CoordinatorRecord, coordinatorRecordType } from "./coordinator-record.ts";
export * from "./group.ts";
export * from "./metadata-brokers.ts";
export * from "./metadata-configs.ts";
export {
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordFrame,
  type MetadataRecordOf,
  readMetadataRecordFrame,
} from "./metadata-record.ts";
export * from "./metadata-security.ts";
export * from "./metadata-topics.ts";
export * from "./metadata-transactions.ts";
export * from "./producer-snapshot.ts";
export * from "./transaction.ts";
export { decodeVersioned, encodeVersioned, type Versioned } from "./versioned.ts";
