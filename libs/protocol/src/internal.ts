export { expectErrors } from "#error-prose";
export { decodeUtf8 } from "./bytes/utf8.ts";
export { crc32cPortable } from "./checksum/crc32c.ts";
export { portableCodecs } from "./compression/portable-codecs.ts";
export { allApis, apisByKey, requestHeaderVersionOf } from "./messages/all.ts";
export { listenerUrl } from "./messages/listener-url.ts";
export { allMetadataRecords, metadataRecordsByType } from "./messages/records/all-metadata.ts";
export * from "./messages/records/index.ts";
export {
  type ControlBatchInput,
  type ControlRecord,
  type ControlRecordType,
  type EndTransactionMarker,
  type EndTransactionMarkerInput,
  encodeControlBatch,
  encodeEndTransactionMarker,
  readControlRecord,
  readEndTransactionMarker,
} from "./records/control.ts";
export { RecordCursor, type RecordsSection } from "./records/cursor.ts";
export * from "./records/header.ts";
export * from "./records/layout.ts";
export { RecordBytes } from "./records/record-bytes.ts";
export {
  type BatchProblem,
  type BatchProblemReason,
  checkBatchFrame,
  checkBatchIntegrity,
  forEachBatch,
  nextBatchPosition,
  throwBatchProblem,
  validateProducedBatch,
} from "./records/validate.ts";
export { varintSize, varlongSize, writeVarint, writeVarlong } from "./records/varint.ts";
export { largestTimestampOf } from "./records/walk.ts";
export {
  array,
  bigint64,
  bool,
  bytes,
  type Field,
  type Fields,
  float64,
  int8,
  int16,
  int32,
  int64,
  type StructIn,
  type StructOut,
  string,
  struct,
  uint16,
  uuid,
} from "./schema/field.ts";
export { parseVersions } from "./schema/versions.ts";
