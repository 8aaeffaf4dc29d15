import { type ClientOptions, type Deserializer, stringSerde } from "@ottla/client";
import {
  invalidOption,
  nameOrNull,
  positiveNumber,
  requireMethod,
  trueOrFalse,
  wholeNumber,
} from "@ottla/client/internal";
import type { PartitionAssignor } from "./assignors/assignor.ts";
import { type OffsetResetPolicy, type ResolvedResetPolicy, resolveResetPolicy } from "./offsets/reset-policy.ts";
import type { RebalanceListener } from "./rebalance-listener.ts";

/** Which records are shown: all, or none of a transaction that is still open or was aborted. */
export type IsolationLevel = "read_uncommitted" | "read_committed";

/** The assignors that are part of the library. */
export type AssignorName = "range" | "roundrobin" | "sticky" | "cooperative-sticky";

/** How a group is run: by its members (KIP-62, KIP-429), or by its coordinator (KIP-848). */
export type GroupProtocol = "classic" | "consumer";

/** Options of a consumer. Names and defaults are those of Kafka's consumer configs, in camelCase. */
export interface ConsumerOptions<K = string | null, V = string | null> extends ClientOptions {
  /** The group to be a member of, or to commit for (`group.id`). Default: none; partitions are then assigned by hand. */
  readonly groupId?: string;
  /**
   * Makes this a static member (`group.instance.id`, KIP-345): one id for each instance, the same after a restart. In the
   * consumer protocol an instance that was killed waits for its id until the session of its last life is over.
   */
  readonly groupInstanceId?: string;
  /** Topics to subscribe to from the start; the same as calling `subscribe`. Needs a `groupId`. */
  readonly topics?: string | readonly string[] | RegExp;
  /**
   * How the group is run (`group.protocol`). `"classic"`: one of the members shares the partitions out, with
   * {@link partitionAssignors}. `"consumer"` (KIP-848, brokers from Kafka 4.0 on): the coordinator does; rebalances are
   * incremental, `sessionTimeoutMs`, `heartbeatIntervalMs` and `partitionAssignors` do not count. Default `"classic"`.
   */
  readonly groupProtocol?: GroupProtocol;
  /**
   * The coordinator's assignor (`group.remote.assignor`), such as `"uniform"` or `"range"`. Only with
   * `groupProtocol: "consumer"`. Default: what the broker prefers.
   */
  readonly groupRemoteAssignor?: string;
  /** Awaited when partitions come and go; see {@link RebalanceListener}. */
  readonly rebalanceListener?: RebalanceListener;
  /** How keys are read (`key.deserializer`). Default: as UTF-8 text. `record.keyBytes` has them as they are. */
  readonly keyDeserializer?: Deserializer<K>;
  /** How values are read (`value.deserializer`). Default: as UTF-8 text. `record.valueBytes` has them as they are. */
  readonly valueDeserializer?: Deserializer<V>;
  /** Where to begin without a usable position (`auto.offset.reset`). Default `"latest"`. */
  readonly autoOffsetReset?: OffsetResetPolicy;
  /** Commit processed offsets by itself (`enable.auto.commit`). Default: true with a `groupId`. */
  readonly autoCommit?: boolean;
  /** How often it does (`auto.commit.interval.ms`). Default 5,000. */
  readonly autoCommitIntervalMs?: number;
  /** A member that is silent for so long is taken out of the group (`session.timeout.ms`). Default 45,000. */
  readonly sessionTimeoutMs?: number;
  /** How often the coordinator hears of this member (`heartbeat.interval.ms`). Default 3,000. */
  readonly heartbeatIntervalMs?: number;
  /**
   * The longest that a handler may take for what it was handed, before the consumer leaves the group until it is back;
   * also how long a rebalance waits for it (`max.poll.interval.ms`). Default 300,000.
   */
  readonly maxPollIntervalMs?: number;
  /**
   * Assignors in order of preference (`partition.assignment.strategy`): names, or your own. With none but
   * `"cooperative-sticky"` (or others that support it) the member rebalances cooperatively: it reads on while the group
   * rebalances, and gives up only what moves (KIP-429). Default `["range", "cooperative-sticky"]`, as Kafka's: eager,
   * and one rolling restart away from cooperative.
   */
  readonly partitionAssignors?: readonly (AssignorName | PartitionAssignor)[];
  /**
   * The rack of this consumer (`client.rack`). Brokers with `replica.selector.class` then have it read from a replica in
   * its rack instead of the leader (KIP-392), and assignors keep reads within a rack (KIP-881).
   */
  readonly clientRack?: string;
  /** The least that a fetch waits for (`fetch.min.bytes`). Default 1. */
  readonly fetchMinBytes?: number;
  /** How long it waits for that at most (`fetch.max.wait.ms`). Default 500. */
  readonly fetchMaxWaitMs?: number;
  /**
   * The most that one fetch brings, but for a first batch that is larger (`fetch.max.bytes`). Default 52,428,800; an
   * eighth of `prefetchMaxBytes` is the most all the same, or `maxPartitionFetchBytes` where that is more.
   */
  readonly fetchMaxBytes?: number;
  /** The same for each partition (`max.partition.fetch.bytes`). Default 1,048,576. */
  readonly maxPartitionFetchBytes?: number;
  /**
   * No more is fetched from a broker while so many bytes wait to be handed out. Memory is bounded by this plus one
   * fetch from each broker. Default 16,777,216.
   */
  readonly prefetchMaxBytes?: number;
  /** The most records that a batch of `batches()` has (`max.poll.records`). Default: as many as were fetched. */
  readonly maxPollRecords?: number;
  /** `isolation.level`. Default `"read_uncommitted"`. */
  readonly isolationLevel?: IsolationLevel;
  /** Verify the checksum of each batch (`check.crcs`). Default true. */
  readonly checkCrcs?: boolean;
  /** Whether asking for a topic may create it, where the broker allows it (`allow.auto.create.topics`). Default true. */
  readonly allowAutoCreateTopics?: boolean;
}

/** {@link ConsumerOptions} checked and with the defaults filled in; what concerns the client core stays out. */
export interface ConsumerSettings<K, V> {
  readonly groupId: string | null;
  readonly groupInstanceId: string | null;
  readonly keyDeserializer: Deserializer<K>;
  readonly valueDeserializer: Deserializer<V>;
  readonly autoOffsetReset: ResolvedResetPolicy;
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  readonly groupProtocol: GroupProtocol;
  readonly remoteAssignor: string | null;
  readonly assignors: readonly (AssignorName | PartitionAssignor)[];
  readonly clientRack: string | null;
  readonly fetchMinBytes: number;
  readonly fetchMaxWaitMs: number;
  readonly fetchMaxBytes: number;
  readonly maxPartitionFetchBytes: number;
  readonly prefetchMaxBytes: number;
  readonly maxPollRecords: number;
  readonly isolationLevel: IsolationLevel;
  readonly checkCrcs: boolean;
}

const DEFAULT_ASSIGNORS: readonly AssignorName[] = ["range", "cooperative-sticky"];

const ASSIGNOR_NAMES: readonly AssignorName[] = ["range", "roundrobin", "sticky", "cooperative-sticky"];

/** @throws KafkaError `INVALID_CONFIG` that names the option */
export function resolveConsumerSettings<K, V>(options: ConsumerOptions<K, V>): ConsumerSettings<K, V> {
  const groupId = nameOrNull("groupId", options.groupId);
  for (const name of ["keyDeserializer", "valueDeserializer"] as const) {
    if (options[name]) requireMethod(name, options[name], "deserialize");
  }
  return {
    groupId,
    groupInstanceId: nameOrNull("groupInstanceId", options.groupInstanceId),
    // Without a deserializer of the user's, K and V are what the default gives: see the defaults of the type parameters.
    keyDeserializer: options.keyDeserializer ?? (stringSerde as unknown as Deserializer<K>),
    valueDeserializer: options.valueDeserializer ?? (stringSerde as unknown as Deserializer<V>),
    autoOffsetReset: resolveResetPolicy(options.autoOffsetReset),
    autoCommit: resolveAutoCommit(options.autoCommit, groupId),
    ...resolveGroupTimes(options),
    ...resolveGroupProtocol(options),
    assignors: resolveAssignors(options.partitionAssignors ?? DEFAULT_ASSIGNORS),
    clientRack: nameOrNull("clientRack", options.clientRack || null),
    ...resolveFetchSettings(options),
    isolationLevel: oneOf("isolationLevel", options.isolationLevel, ["read_uncommitted", "read_committed"]),
    checkCrcs: trueOrFalse("checkCrcs", options.checkCrcs, true),
  };
}

type AnyOptions = ConsumerOptions<never, never>;

function resolveGroupTimes(options: Omit<AnyOptions, "keyDeserializer" | "valueDeserializer">) {
  const sessionTimeoutMs = wholeNumber("sessionTimeoutMs", options.sessionTimeoutMs ?? 45_000, 1);
  const heartbeatIntervalMs = positiveNumber("heartbeatIntervalMs", options.heartbeatIntervalMs ?? 3_000);
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw invalidOption("heartbeatIntervalMs", heartbeatIntervalMs, `below sessionTimeoutMs (${sessionTimeoutMs})`);
  }
  return {
    sessionTimeoutMs,
    heartbeatIntervalMs,
    autoCommitIntervalMs: positiveNumber("autoCommitIntervalMs", options.autoCommitIntervalMs ?? 5_000),
    maxPollIntervalMs: wholeNumber("maxPollIntervalMs", options.maxPollIntervalMs ?? 300_000, 1),
  };
}

function resolveGroupProtocol(options: Omit<AnyOptions, "keyDeserializer" | "valueDeserializer">) {
  const groupProtocol = oneOf<GroupProtocol>("groupProtocol", options.groupProtocol, ["classic", "consumer"]);
  const remoteAssignor = nameOrNull("groupRemoteAssignor", options.groupRemoteAssignor);
  if (remoteAssignor !== null && groupProtocol !== "consumer") {
    throw invalidOption("groupRemoteAssignor", remoteAssignor, 'absent without groupProtocol: "consumer"');
  }
  if (groupProtocol === "consumer" && options.partitionAssignors !== undefined) {
    throw invalidOption("partitionAssignors", options.partitionAssignors, 'absent with groupProtocol: "consumer"');
  }
  return { groupProtocol, remoteAssignor };
}

function resolveFetchSettings(options: Omit<AnyOptions, "keyDeserializer" | "valueDeserializer">) {
  return {
    fetchMinBytes: wholeNumber("fetchMinBytes", options.fetchMinBytes ?? 1, 0),
    fetchMaxWaitMs: wholeNumber("fetchMaxWaitMs", options.fetchMaxWaitMs ?? 500, 0),
    fetchMaxBytes: wholeNumber("fetchMaxBytes", options.fetchMaxBytes ?? 52_428_800, 1),
    maxPartitionFetchBytes: wholeNumber("maxPartitionFetchBytes", options.maxPartitionFetchBytes ?? 1_048_576, 1),
    prefetchMaxBytes: wholeNumber("prefetchMaxBytes", options.prefetchMaxBytes ?? 16_777_216, 1),
    maxPollRecords: positiveNumber("maxPollRecords", options.maxPollRecords ?? Number.POSITIVE_INFINITY),
  };
}

function resolveAutoCommit(given: boolean | undefined, groupId: string | null): boolean {
  if (given === true && groupId === null) throw invalidOption("autoCommit", given, "false without a groupId");
  return trueOrFalse("autoCommit", given, groupId !== null);
}

function resolveAssignors(
  given: readonly (AssignorName | PartitionAssignor)[],
): readonly (AssignorName | PartitionAssignor)[] {
  const list: unknown = given;
  if (!Array.isArray(list) || list.length === 0) {
    throw invalidOption("partitionAssignors", list, "a list of assignors");
  }
  for (const assignor of given) {
    if (typeof assignor === "string" && !ASSIGNOR_NAMES.includes(assignor)) {
      throw invalidOption("partitionAssignors", assignor, `one of ${ASSIGNOR_NAMES.join(", ")}, or an assignor`);
    }
  }
  const names = given.map((assignor) => (typeof assignor === "string" ? assignor : assignor.name));
  if (new Set(names).size < names.length) throw invalidOption("partitionAssignors", names.join(), "without repetition");
  return given;
}

function oneOf<T extends string>(name: string, given: T | undefined, allowed: readonly [T, ...T[]]): T {
  if (given === undefined) return allowed[0];
  if (allowed.includes(given)) return given;
  throw invalidOption(name, given, allowed.map((value) => `"${value}"`).join(" or "));
}
