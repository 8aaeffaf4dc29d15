import type { CallOptions } from "@ottla/client";
import { type ClusterClient, invalidArgument } from "@ottla/client/internal";
import { ErrorCode, electLeadersApi } from "@ottla/protocol";
import { codeToRetry, resultsOf } from "./partial-failure.ts";
import { byTopic, partitionName, type TopicPartition } from "./topic-partitions.ts";
import { requireVersion } from "./unsupported.ts";

/** Kafka's numbers. */
const ELECTION_TYPES = { preferred: 0, unclean: 1 } as const;

/**
 * What an election is for:
 * - `"preferred"`: gives leadership back to the first of a partition's replicas, if that one is in sync
 * - `"unclean"`: where no replica in sync is left, one that is not leads; what it lacks is lost
 */
export type ElectionType = keyof typeof ELECTION_TYPES;

const FIRST_VERSION_WITH_TYPES = 1;
const HEALED_BY_CONTROLLER = [ErrorCode.NOT_CONTROLLER];

/** Null stands for all partitions: only those that needed an election are answered for. */
export async function electLeaders(
  client: ClusterClient,
  electionType: ElectionType,
  partitions: readonly TopicPartition[] | null,
  call: CallOptions,
): Promise<TopicPartition[]> {
  const topicPartitions =
    partitions &&
    byTopic(partitions).map(({ name, items }) => ({
      topic: name,
      partitions: items.map(({ partition }) => partition),
    }));
  const typeNumber = checkedType(electionType);
  const timeoutMs = call.timeoutMs ?? client.settings.requestTimeoutMs;
  const body = (version: number) => {
    if (electionType === "unclean")
      requireVersion("An unclean election", electLeadersApi, version, FIRST_VERSION_WITH_TYPES);
    return { electionType: typeNumber, topicPartitions, timeoutMs };
  };
  const { replicaElectionResults } = await client.ask("controller", electLeadersApi, body, {
    ...call,
    errorOf: ({ errorCode, replicaElectionResults: results }) =>
      errorCode ||
      codeToRetry(
        results.flatMap(({ partitionResult }) => partitionResult),
        HEALED_BY_CONTROLLER,
      ),
  });
  const outcomes = replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId: partition, errorCode, errorMessage }) => {
      return { topic, partition, errorCode, errorMessage };
    }),
  );
  return resultsOf(
    "electLeaders",
    outcomes,
    (outcome) => ({ resource: partitionName(outcome), ...outcome }),
    ({ topic, partition }) => ({ topic, partition }),
  );
}

function checkedType(electionType: ElectionType): number {
  if (Object.hasOwn(ELECTION_TYPES, electionType)) return ELECTION_TYPES[electionType];
  const right = Object.keys(ELECTION_TYPES).join(", ");
  throw invalidArgument(
    `electLeaders: the election type is ${JSON.stringify(electionType)}; it must be one of ${right}.`,
  );
}
