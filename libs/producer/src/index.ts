export {
  bytesSerde,
  type ClientOptions,
  type Data,
  type Deserializer,
  doubleSerde,
  integerSerde,
  jsonSerde,
  KafkaError,
  longSerde,
  type Serde,
  type Serializer,
  stringSerde,
} from "@ottla/client";
export type { CompressionType } from "@ottla/protocol";
export { ArraySendError, type RecordOutcome } from "./array-send.ts";
export type { ProducerMetrics } from "./metrics.ts";
export type { Acks, ProducerOptions } from "./options.ts";
export type { PartitionerArgs, PartitionerOption, PartitionFunction } from "./partitioner/partitioner.ts";
export { type CloseOptions, Producer, type SendOptions } from "./producer.ts";
export type { HeadersInput, ProducerRecord, RecordMetadata } from "./record.ts";
