/**
 * The door for clients: what each of them needs from the start, and nothing else. A bundler that splits by what can be
 * reached keeps the messages of groups and transactions in the chunks that use them; reached by way of `index.ts`, they
 * would all be in the first one.
 */
export { expectErrors } from "#error-prose";
export { ByteReader } from "./bytes/byte-reader.ts";
export { ByteWriter } from "./bytes/byte-writer.ts";
export { decodeUtf8 } from "./bytes/utf8.ts";
export { ZERO_UUID } from "./bytes/uuid.ts";
export { codecByName } from "./compression/codecs.ts";
export { ErrorCode } from "./errors/error-code.ts";
export { errorByCode } from "./errors/error-info.ts";
export { KafkaError } from "./errors/kafka-error.ts";
export { MalformedFrameError } from "./errors/protocol-error.ts";
export { apiVersionsApi } from "./messages/api-versions.ts";
export { fetchApi } from "./messages/fetch.ts";
export { findCoordinatorApi } from "./messages/find-coordinator.ts";
export { correlationIdOf, decodeResponse, encodeRequest } from "./messages/frame.ts";
export { initProducerIdApi } from "./messages/init-producer-id.ts";
export { listOffsetsApi } from "./messages/list-offsets.ts";
export { metadataApi } from "./messages/metadata.ts";
export { offsetForLeaderEpochApi } from "./messages/offset-for-leader-epoch.ts";
export { produceApi } from "./messages/produce.ts";
export { estimateRecordSize, RecordBatchBuilder } from "./records/builder.ts";
export { readEndTransactionMarker } from "./records/control.ts";
export { CorruptRecordError } from "./records/errors.ts";
export {
  baseOffsetAt,
  incrementSequence,
  lastOffsetAt,
  partitionLeaderEpochAt,
  setProducerState,
} from "./records/header.ts";
export { type OpenedBatch, openRecordBatch } from "./records/opened-batch.ts";
export { RecordBytes } from "./records/record-bytes.ts";
export { forEachBatch } from "./records/validate.ts";
