import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Random } from "@ottla/runtime";
import type { ConfigImage, MetadataImage } from "../image/metadata-image.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";

/** What the controller decides by, besides the metadata itself. Values may change from one request to the next. */
export interface ControllerPolicy {
  readonly defaultNumPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly deleteTopicEnable: boolean;
  /** Whether it decides for several brokers, whose files may differ. */
  readonly isOfCluster: boolean;
  readonly configs: ConfigPolicy;
}

/** What is known of config keys: the tables are the broker's, the controller only asks. */
export interface ConfigPolicy {
  /** Throws KafkaError (INVALID_CONFIG, INVALID_REQUEST) when `configs`, all that is set for the resource, is not allowed. */
  validate(resourceType: number, resourceName: string, configs: ConfigImage): void;
  /** Whether the key holds a list, so that values can be appended and subtracted. */
  isList(resourceType: number, key: string): boolean;
  /** Whether there is such a key. */
  isKnown(resourceType: number, key: string): boolean;
  /** The value that a key has where none is set, as text, or null. */
  defaultValue(resourceType: number, key: string): string | null;
  /** The value that a broker's key has by this broker's own settings, whatever was set at run time; as text, or null. */
  fileValue(key: string): string | null;
  /** The value of a topic's key that counts: its own, else its broker's, else the default. */
  topicValue(image: MetadataImage, topic: string, key: string): string | null;
}

/** What an operation of the controller sees: the metadata as of the records before it, and where its own will go. */
export interface ControllerState {
  readonly image: MetadataImage;
  /** The offset of the operation's first record. */
  readonly nextOffset: number;
  readonly policy: ControllerPolicy;
  readonly random: Random;
}

/** What an operation of the controller decides. The response goes out when the records are in the log. */
export interface ControllerResult<Response> {
  readonly records: readonly NewMetadataRecord[];
  readonly response: Response;
  /**
   * False where each record makes sense without those after it: where they need several appends, they take effect one by
   * one. Default true: as one.
   */
  readonly isAtomic?: boolean;
}

/**
 * One step of the controller: deterministic, without effects. It throws KafkaError where the whole request fails. It is run
 * again where what it decides does not fit into the append that was begun.
 */
export type ControllerOperation<Response> = (state: ControllerState) => ControllerResult<Response>;

/**
 * Takes partitions that are to be created or deleted from what the client that asks may change (KIP-599).
 * @throws KafkaError THROTTLING_QUOTA_EXCEEDED
 */
export type MutationCharge = (partitions: number) => void;

/** The charge of whoever may change as much as he likes. */
export const FREE: MutationCharge = () => {};

/** How one item of a request ended. */
export interface ItemOutcome {
  /** Kafka's error code; 0 for success. */
  readonly errno: number;
  readonly message: string | null;
}

export const SUCCESS: ItemOutcome = { errno: ErrorCode.NONE, message: null };

/** An error of one item, for which `error.errno` and the message as given go into the response. */
export function refuse(errno: number, message: string): KafkaError {
  return new KafkaError(message, { code: "REFUSED", errno });
}

/** As Kafka: what one request may change. It bounds how long an operation keeps everybody else waiting. */
export const ITEMS_PER_REQUEST_MAX = 10_000;

/** Throws when a request names more things than one operation may change. */
export function checkItemsCount(count: number): void {
  if (count <= ITEMS_PER_REQUEST_MAX) return;
  throw refuse(ErrorCode.POLICY_VIOLATION, "Unable to perform excessively large batch operation.");
}

/** The outcome of an item that threw. Anything but a KafkaError is a bug and goes on up. */
export function outcomeOf(error: unknown): ItemOutcome {
  if (error instanceof KafkaError) return { errno: error.errno, message: error.message };
  throw error;
}
