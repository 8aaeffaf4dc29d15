export { allApis, apisByKey, requestHeaderVersionOf } from "./messages/all.ts";
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
export * from "./records/header.ts";
export * from "./records/layout.ts";
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
