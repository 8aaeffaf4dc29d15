export { ByteReader } from "./bytes/byte-reader.ts";
export { type Bytes, ByteWriter, bytesSize, concatBytes } from "./bytes/byte-writer.ts";
export { INT64_MAX, INT64_MIN } from "./bytes/int64.ts";
export { isUuid, type Uuid, uuidFromBytes, writeUuidBytes, ZERO_UUID } from "./bytes/uuid.ts";
export { crc32c } from "./checksum/crc32c.ts";
export { type CompressionCodec, CompressionError, type CompressionType } from "./compression/codec.ts";
export { codecById, codecByName } from "./compression/codecs.ts";
export { ErrorCode, type ErrorName } from "./errors/error-code.ts";
export { type ErrorInfo, errorByCode } from "./errors/error-info.ts";
export { KafkaError, type KafkaErrorOptions } from "./errors/kafka-error.ts";
export {
  InvalidValueError,
  MalformedFrameError,
  ProtocolError,
  UnsupportedVersionError,
} from "./errors/protocol-error.ts";
export * from "./messages/consumer-protocol.ts";
export * from "./messages/frame.ts";
export { type RequestHeader, type ResponseHeader, requestHeader, responseHeader } from "./messages/header.ts";
export * from "./messages/index.ts";
export {
  estimateRecordSize,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  type RecordBatchCloseOptions,
} from "./records/builder.ts";
export { encodeRecordBatch, type RecordBatchInput, type RecordInput } from "./records/encode.ts";
export { CorruptRecordError, UnsupportedRecordFormatError } from "./records/errors.ts";
export { RecordHeaders } from "./records/headers.ts";
export { type ReadBatchOptions, RecordBatch, readRecordBatch } from "./records/record-batch.ts";
export { RecordView } from "./records/record-view.ts";
export type { RecordData, RecordHeader, RecordHeaderInput, TimestampType } from "./records/types.ts";
export {
  type ApiDefinition,
  apiMessage,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from "./schema/api.ts";
export type { Field, Fields, StructIn, StructOut, UnknownTaggedField } from "./schema/field.ts";
export { type AnyMessage, type Encodable, type Infer, Message, type MessageOf, message } from "./schema/message.ts";
export { includesVersion, type VersionRange } from "./schema/versions.ts";
