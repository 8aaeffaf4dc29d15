export { bytes, double, type Format, fromSerde, integer, json, long, nullable, string } from "./formats.ts";
export { SchemaError, type StandardSchema, type ValidationIssue, type ValidationResult } from "./standard-schema.ts";
export {
  type AnyTypedTopic,
  type ReadableRecord,
  type TopicFormats,
  type TypedRecordInput,
  type TypedTopic,
  topic,
  type WrittenRecord,
} from "./topic.ts";
