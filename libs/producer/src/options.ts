import type { ClientOptions, Data, Serializer } from "@ottla/client";
import {
  invalidOption,
  nameOrNull,
  nonNegativeNumber,
  positiveNumber,
  trueOrFalse,
  wholeNumber,
} from "@ottla/client/internal";
import type { CompressionType } from "@ottla/protocol";
import { codecByName } from "@ottla/protocol/client";
import type { PartitionerOption } from "./partitioner/partitioner.ts";

/** How many replicas have to have a record before its send is done: none, the leader, or all in sync. */
export type Acks = 0 | 1 | "all" | -1;

/** How a {@link Producer} is configured. Names and defaults are Kafka's unless said otherwise. */
export interface ProducerOptions<K = Data, V = Data> extends ClientOptions {
  /**
   * `acks`: `"all"` (the default, also -1) waits for all in-sync replicas, 1 for the leader alone, 0 for nobody: the
   * send is done once the record has left, and may be lost.
   */
  readonly acks?: Acks;
  /**
   * `linger.ms`: how long a batch that is not full waits for more records. Default 0: a record leaves at once while
   * nothing is in flight to its broker; while something is, records gather.
   */
  readonly lingerMs?: number;
  /** `batch.size`: the most bytes of a batch, before compression. Default 262,144 (the Java client: 16,384). */
  readonly batchSize?: number;
  /** `buffer.memory`: bytes of records that wait to be sent or acknowledged; above it sends wait. Default 33,554,432. */
  readonly bufferMemory?: number;
  /** `max.block.ms`: how long a record may wait for metadata of its topic, or for buffer memory. Default 60,000. */
  readonly maxBlockMs?: number;
  /** `max.in.flight.requests.per.connection`: Default 5, which is also the most with idempotence. */
  readonly maxInFlightRequestsPerConnection?: number;
  /** `delivery.timeout.ms`: how long after `send` a record is given up, retries included. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
  /** `max.request.size`: the most bytes of one request, and of one record. Default 1,048,576. */
  readonly maxRequestSize?: number;
  /** `compression.type`. Default `"none"`. */
  readonly compression?: CompressionType;
  /**
   * `compression.gzip.level` (1-9) or `compression.zstd.level` (1-22). Default: the codec's own; others have none. More is
   * not always less: of records that are nearly the same, as numbered lines are, zstd makes up to a seventh more at 19
   * than at 1; that is the library's way.
   */
  readonly compressionLevel?: number;
  /** How partitions are chosen. Default `"default"`: murmur2 of the key as in Java, sticky without a key. */
  readonly partitioner?: PartitionerOption;
  /**
   * `partitioner.adaptive.partitioning.enable`: records without a key go more often to partitions whose leaders keep up
   * (KIP-794). Default true; false shares them out evenly.
   */
  readonly partitionerAdaptivePartitioning?: boolean;
  /**
   * `partitioner.availability.timeout.ms`: while a broker has taken no batch for so long, records without a key go to
   * other brokers' partitions. Default 0: never; only with `partitionerAdaptivePartitioning`.
   */
  readonly partitionerAvailabilityTimeoutMs?: number;
  /** Turns keys into bytes. Default: strings as UTF-8, bytes as they are. */
  readonly keySerializer?: Serializer<K>;
  /** Turns values into bytes. Default: strings as UTF-8, bytes as they are. */
  readonly valueSerializer?: Serializer<V>;
  /**
   * `enable.idempotence`: retries neither double nor reorder records. Default true where `acks` is `"all"`, else it is
   * not possible. Without it a retry may write a record twice, and behind later ones unless
   * `maxInFlightRequestsPerConnection` is 1.
   */
  readonly idempotence?: boolean;
  /**
   * `transactional.id`: makes {@link Producer.transaction} possible, and everything else with this producer goes through
   * it. Of all producers with the same id only the one that began last goes on; the others are fenced off. Needs
   * `acks: "all"` and idempotence, which are the defaults.
   */
  readonly transactionalId?: string;
  /**
   * `transaction.timeout.ms`: the coordinator aborts a transaction that takes longer. Default 60,000; the broker's
   * `transaction.max.timeout.ms` is the most that it accepts.
   */
  readonly transactionTimeoutMs?: number;
  /** `metadata.max.idle.ms`: how long after the last send to a topic it is forgotten. Default 300,000. */
  readonly metadataMaxIdleMs?: number;
}

/** {@link ProducerOptions} with the defaults filled in, without what concerns the client below and the types. */
export interface ProducerSettings {
  readonly acks: -1 | 0 | 1;
  readonly lingerMs: number;
  readonly batchSizeBytes: number;
  readonly bufferMemoryBytes: number;
  readonly maxBlockMs: number;
  readonly maxInFlightRequests: number;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxRequestSizeBytes: number;
  readonly compression: CompressionType;
  readonly compressionLevel: number | undefined;
  readonly isIdempotent: boolean;
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  readonly metadataMaxIdleMs: number;
  readonly isAdaptive: boolean;
  readonly availabilityTimeoutMs: number;
}

/** The most requests in flight for which a broker can tell duplicates from new batches. */
const IDEMPOTENT_IN_FLIGHT_MAX = 5;

/** The highest level of each codec that has levels. */
const LEVELS_MAX: Partial<Record<CompressionType, number>> = { gzip: 9, zstd: 22 };

/** Fills in the defaults and checks. @throws KafkaError INVALID_CONFIG that names the option and what is allowed */
export function resolveProducerSettings<K, V>(options: ProducerOptions<K, V>): ProducerSettings {
  const acks = acksOf(options.acks);
  const requestTimeoutMs = wholeNumber("requestTimeoutMs", options.requestTimeoutMs ?? 30_000, 1);
  const lingerMs = nonNegativeNumber("lingerMs", options.lingerMs ?? 0);
  const maxInFlightRequests = positiveNumber(
    "maxInFlightRequestsPerConnection",
    options.maxInFlightRequestsPerConnection ?? 5,
  );
  const idempotent = isIdempotent(options.idempotence, acks, maxInFlightRequests);
  return {
    acks,
    lingerMs,
    requestTimeoutMs,
    maxInFlightRequests,
    isIdempotent: idempotent,
    transactionalId: transactionalIdOf(options.transactionalId, idempotent),
    transactionTimeoutMs: wholeNumber("transactionTimeoutMs", options.transactionTimeoutMs ?? 60_000, 1),
    deliveryTimeoutMs: deliveryTimeoutOf(options.deliveryTimeoutMs, lingerMs + requestTimeoutMs),
    batchSizeBytes: nonNegativeNumber("batchSize", options.batchSize ?? 262_144),
    bufferMemoryBytes: positiveNumber("bufferMemory", options.bufferMemory ?? 33_554_432),
    maxBlockMs: nonNegativeNumber("maxBlockMs", options.maxBlockMs ?? 60_000),
    maxRequestSizeBytes: positiveNumber("maxRequestSize", options.maxRequestSize ?? 1_048_576),
    compression: compressionOf(options.compression ?? "none"),
    compressionLevel: compressionLevelOf(options.compressionLevel, options.compression ?? "none"),
    metadataMaxIdleMs: positiveNumber("metadataMaxIdleMs", options.metadataMaxIdleMs ?? 300_000),
    isAdaptive: trueOrFalse("partitionerAdaptivePartitioning", options.partitionerAdaptivePartitioning, true),
    availabilityTimeoutMs: nonNegativeNumber(
      "partitionerAvailabilityTimeoutMs",
      options.partitionerAvailabilityTimeoutMs ?? 0,
    ),
  };
}

function acksOf(acks: Acks = "all"): -1 | 0 | 1 {
  if (acks === "all" || acks === -1) return -1;
  if (acks === 0 || acks === 1) return acks;
  throw invalidOption("acks", acks, '"all", 1 or 0');
}

function transactionalIdOf(option: string | undefined, idempotent: boolean): string | null {
  const given = nameOrNull("transactionalId", option);
  if (given === null || idempotent) return given;
  throw invalidOption("transactionalId", given, 'absent unless acks is "all" and idempotence is on');
}

function isIdempotent(given: boolean | undefined, acks: number, maxInFlightRequests: number): boolean {
  if (!trueOrFalse("idempotence", given, acks === -1)) return false;
  if (acks !== -1) {
    throw invalidOption("idempotence", given, 'false (or absent) unless acks is "all"');
  }
  if (maxInFlightRequests <= IDEMPOTENT_IN_FLIGHT_MAX) return true;
  const allowed = `at most ${IDEMPOTENT_IN_FLIGHT_MAX} with idempotence, which is on unless set to false`;
  throw invalidOption("maxInFlightRequestsPerConnection", maxInFlightRequests, allowed);
}

/** As in Kafka: the default gives way to longer request timeouts, a value that was set must not contradict them. */
function deliveryTimeoutOf(given: number | undefined, atLeastMs: number): number {
  if (given === undefined) return Math.max(120_000, atLeastMs);
  if (typeof given === "number" && given >= atLeastMs) return given;
  throw invalidOption("deliveryTimeoutMs", given, `at least lingerMs + requestTimeoutMs, which is ${atLeastMs}`);
}

function compressionOf(name: CompressionType): CompressionType {
  if (codecByName(name) !== undefined) return name;
  throw invalidOption("compression", name, '"none", "gzip", "snappy", "lz4" or "zstd"');
}

function compressionLevelOf(given: number | undefined, type: CompressionType): number | undefined {
  if (given === undefined) return undefined;
  const max = LEVELS_MAX[type];
  if (max === undefined) throw invalidOption("compressionLevel", given, `absent with compression: "${type}"`);
  if (Number.isInteger(given) && given >= 1 && given <= max) return given;
  throw invalidOption("compressionLevel", given, `a whole number from 1 to ${max}`);
}
