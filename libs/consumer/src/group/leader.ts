import { type ClusterClient, type ClusterView, type Deadline, toKafkaError } from "@ottla/client/internal";
import { KafkaError } from "@ottla/protocol";
import type { AssignableTopics, MemberSubscription, PartitionAssignor } from "../assignors/assignor.ts";
import type { GroupAssignment } from "./membership.ts";

/** What the leader decided, and the view of the topics it decided on. */
export interface LeaderDecision {
  readonly assignments: GroupAssignment;
  /** Partitions of each topic that somebody subscribes to; 0 for those that do not exist. */
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/**
 * Shares the partitions of all topics that the members subscribe to out among them.
 * @throws KafkaError `ASSIGNOR_FAILED` if the assignor throws, or forgets a member
 */
export async function decideAssignments(
  client: ClusterClient,
  assignor: PartitionAssignor,
  members: readonly MemberSubscription[],
  deadline: Deadline,
): Promise<LeaderDecision> {
  const subscribed = [...new Set(members.flatMap((member) => member.topics))];
  client.metadata.track(subscribed);
  const isKnown = (topic: string) => client.metadata.view.topics.has(topic);
  if (!subscribed.every(isKnown)) await client.metadata.refresh(deadline);
  const topics = assignableTopics(client.metadata.view, subscribed);
  return {
    assignments: runAssignor(assignor, topics, members),
    partitionCounts: countPartitions(client.metadata.view, subscribed),
  };
}

/** How many partitions each of `topics` has. */
export function countPartitions(view: ClusterView, topics: Iterable<string>): Map<string, number> {
  return new Map([...topics].map((topic) => [topic, view.topics.get(topic)?.partitions.length ?? 0]));
}

function assignableTopics(view: ClusterView, names: readonly string[]): AssignableTopics {
  const rackOf = (broker: number) => view.brokers.get(broker)?.rack;
  const topics = names.map((topic) => {
    const partitions = view.topics.get(topic)?.partitions ?? [];
    const assignable = partitions.map(({ partition, replicas }) => ({
      topic,
      partition,
      replicaRacks: [...new Set(replicas.map(rackOf).filter((rack): rack is string => rack != null))],
    }));
    return [topic, assignable] as const;
  });
  return new Map(topics.filter(([, partitions]) => partitions.length > 0));
}

function runAssignor(
  assignor: PartitionAssignor,
  topics: AssignableTopics,
  members: readonly MemberSubscription[],
): GroupAssignment {
  let assignments: GroupAssignment;
  try {
    assignments = assignor.assign(topics, members);
  } catch (cause) {
    throw assignorFailed(assignor, `failed: ${toKafkaError(cause).message}`, cause);
  }
  const forgotten = members.find((member) => !assignments.has(member.memberId));
  if (forgotten !== undefined) throw assignorFailed(assignor, `gave member ${forgotten.memberId} no entry`);
  return assignments;
}

function assignorFailed(assignor: PartitionAssignor, what: string, cause?: unknown): KafkaError {
  return new KafkaError(`The assignor "${assignor.name}" ${what}`, { code: "ASSIGNOR_FAILED", cause });
}
