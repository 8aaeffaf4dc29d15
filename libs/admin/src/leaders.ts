import { KafkaError } from "@ottla/client";
import { type AskOptions, type ClusterClient, type Deadline, isRetriable } from "@ottla/client/internal";
import { type ApiDefinition, ErrorCode, errorByCode, metadataApi } from "@ottla/protocol";
import { partitionName, type TopicPartition } from "./topic-partitions.ts";

/** What the leader of a partition said. */
export interface LeaderAnswer<Result> extends TopicPartition {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  /** Why there was no answer of the leader's, where asking again may help. */
  readonly failure?: KafkaError;
  /** There unless there is an error. */
  readonly result?: Result;
}

/** One request to one leader, about partitions that are all different. */
export type AskLeader<Query, Result> = (
  broker: number,
  queries: readonly Query[],
  options: Pick<AskOptions<ApiDefinition>, "signal" | "timeoutMs" | "retry">,
) => Promise<readonly LeaderAnswer<Result>[]>;

/**
 * Asks the leader of each partition, again where leadership has moved meanwhile.
 * @returns the answers in the order of the queries; a partition that does not exist is an answer too
 */
export async function askLeaders<Query extends TopicPartition, Result>(
  client: ClusterClient,
  queries: readonly Query[],
  deadline: Deadline,
  ask: AskLeader<Query, Result>,
  onAnswered: (completed: number) => void = () => {},
): Promise<LeaderAnswer<Result>[]> {
  const answers: (LeaderAnswer<Result> | undefined)[] = queries.map(() => undefined);
  let failures = 0;
  for (;;) {
    const open = queries.flatMap((_, index) => (isOpen(answers[index]) ? [index] : []));
    if (open.length === 0) return answers as LeaderAnswer<Result>[];
    const hasFailed = open.some((index) => answers[index] !== undefined);
    if (hasFailed) await waitBeforeRetry(client, deadline, ++failures, answers);
    const rounds = await roundsOf(client, queries, open, deadline, answers);
    await Promise.all(
      rounds.map(async ([broker, indexes]) => {
        for (const [index, answer] of await askOne(broker, indexes, queries, deadline, ask)) answers[index] = answer;
        onAnswered(answers.filter((answer) => !isOpen(answer)).length);
      }),
    );
  }
}

/** Not asked yet, or to be asked again: the leader has moved, or does not know yet. A topic that does not exist is an answer. */
function isOpen(answer: LeaderAnswer<unknown> | undefined): boolean {
  if (answer === undefined || answer.failure !== undefined) return true;
  return answer.errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && errorByCode(answer.errorCode).retriable;
}

async function waitBeforeRetry(
  client: ClusterClient,
  deadline: Deadline,
  failures: number,
  answers: readonly (LeaderAnswer<unknown> | undefined)[],
): Promise<void> {
  const last = answers.find((answer) => answer !== undefined && isOpen(answer))!;
  deadline.lastFailure = last.failure ?? KafkaError.fromCode(last.errorCode, partitionName(last));
  await deadline.sleep(client.retryBackoffMs(failures));
}

/** Whom to ask next about which queries; those without a leader are answered here. No request names a partition twice. */
async function roundsOf<Query extends TopicPartition, Result>(
  client: ClusterClient,
  queries: readonly Query[],
  open: readonly number[],
  deadline: Deadline,
  answers: (LeaderAnswer<Result> | undefined)[],
): Promise<[broker: number, indexes: number[]][]> {
  const leaders = await leadersOf(client, new Set(open.map((index) => queries[index]!.topic)), deadline);
  const byLeader = new Map<number, number[]>();
  const named = new Set<string>();
  for (const index of open) {
    const query = queries[index]!;
    const name = partitionName(query);
    const leader = leaders(query);
    if (typeof leader === "object") answers[index] = failed(query, leader.errorCode);
    else if (!named.has(name)) {
      named.add(name);
      answers[index] = undefined;
      const indexes = byLeader.get(leader);
      if (indexes === undefined) byLeader.set(leader, [index]);
      else indexes.push(index);
    }
  }
  return [...byLeader];
}

/** Who leads each partition of the topics; asked for anew, so that nothing has to be kept up to date for long. */
async function leadersOf(client: ClusterClient, topics: ReadonlySet<string>, deadline: Deadline) {
  const request = { topics: [...topics].map((name) => ({ name })), allowAutoTopicCreation: false };
  const options = { signal: deadline.signal, timeoutMs: deadline.remainingMs };
  const { topics: described, brokers } = await client.ask("any", metadataApi, request, options);
  client.learnBrokers(brokers);
  const byName = new Map(described.map((topic) => [topic.name, topic]));
  return ({ topic, partition }: TopicPartition): number | { readonly errorCode: number } => {
    const found = byName.get(topic);
    if (found !== undefined && found.errorCode !== ErrorCode.NONE) return { errorCode: found.errorCode };
    const leader = found?.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId;
    if (leader === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
    return leader < 0 ? { errorCode: ErrorCode.LEADER_NOT_AVAILABLE } : leader;
  };
}

async function askOne<Query extends TopicPartition, Result>(
  broker: number,
  indexes: readonly number[],
  queries: readonly Query[],
  deadline: Deadline,
  ask: AskLeader<Query, Result>,
): Promise<[index: number, answer: LeaderAnswer<Result>][]> {
  const asked = indexes.map((index) => queries[index]!);
  const options = { signal: deadline.signal, timeoutMs: deadline.remainingMs, retry: false };
  try {
    const byName = new Map((await ask(broker, asked, options)).map((answer) => [partitionName(answer), answer]));
    return indexes.map((index) => {
      const query = queries[index]!;
      return [index, byName.get(partitionName(query)) ?? failed(query, ErrorCode.UNKNOWN_SERVER_ERROR)];
    });
  } catch (error) {
    if (!isRetriable(error) || deadline.isOver) throw error;
    return indexes.map((index) => [index, { ...failed(queries[index]!, error.errno), failure: error }]);
  }
}

function failed({ topic, partition }: TopicPartition, errorCode: number): LeaderAnswer<never> {
  return { topic, partition, errorCode };
}
