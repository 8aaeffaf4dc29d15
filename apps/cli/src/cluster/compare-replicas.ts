import type { ClusterClient } from "@ottla/client/internal";
import { ErrorCode, KafkaError, listOffsetsApi } from "@ottla/protocol";
import { DamagedReplica, ReplicaBehind, type ReplicaItem, replicaItems } from "./replica-stream.ts";

export interface ComparedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isCompacted: boolean;
}

/** What is wrong with one replica. */
export interface ReplicaProblem {
  readonly brokerId: number;
  readonly kind: "differs" | "damaged" | "behind" | "unreadable";
  readonly message: string;
}

export interface Comparison {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  /** What was compared: from the latest start of a replica to the leader's high watermark at the beginning. */
  readonly fromOffset: number;
  readonly endOffset: number;
  /** Of the leader. */
  readonly readBytes: number;
  readonly problems: readonly ReplicaProblem[];
}

export interface CompareOptions {
  readonly client: ClusterClient;
  /** How long a replica may take to come up to where its leader was at the beginning. */
  readonly maxWaitMs: number;
}

const LATEST = -1;
const EARLIEST = -2;
const CONSUMER_ID = -1;
/** Kafka's replica id of those who look at replicas: followers answer them too. */
const DEBUGGING_CONSUMER_ID = -2;
const ANSWER_TIMEOUT_MS = 10_000;

/** Compares the replicas of one partition with that of its leader. */
export async function compareReplicas(partition: ComparedPartition, options: CompareOptions): Promise<Comparison> {
  const { topic, partition: index, leader, replicas } = partition;
  const problems: ReplicaProblem[] = [];
  const compared = { topic, partition: index, leader, problems };
  const nothing = { ...compared, fromOffset: -1, endOffset: -1, readBytes: 0 };
  if (leader < 0) {
    problems.push({ brokerId: leader, kind: "unreadable", message: "no replica leads" });
    return nothing;
  }
  const starts = new Map<number, number>();
  await Promise.all(
    replicas.map(async (brokerId) => {
      try {
        starts.set(brokerId, await offsetOf(options.client, partition, brokerId, EARLIEST));
      } catch (error) {
        problems.push(problemOf(brokerId, error));
      }
    }),
  );
  if (!starts.has(leader)) return nothing;
  try {
    const fromOffset = Math.max(...starts.values());
    const endOffset = await offsetOf(options.client, partition, leader, LATEST);
    const followers = [...starts.keys()].filter((brokerId) => brokerId !== leader);
    const span = { fromOffset: Math.min(fromOffset, endOffset), endOffset };
    const readBytes = await compareSpan(partition, followers, span, options, problems);
    return { ...compared, ...span, readBytes };
  } catch (error) {
    problems.push(problemOf(leader, error));
    return nothing;
  }
}

async function offsetOf(
  client: ClusterClient,
  { topic, partition }: ComparedPartition,
  brokerId: number,
  timestamp: number,
): Promise<number> {
  const body = {
    replicaId: timestamp === LATEST ? CONSUMER_ID : DEBUGGING_CONSUMER_ID,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
  };
  const call = { timeoutMs: ANSWER_TIMEOUT_MS, retry: false };
  const { topics } = await client.ask({ broker: brokerId }, listOffsetsApi, body, call);
  const { errorCode = ErrorCode.UNKNOWN_SERVER_ERROR, offset = -1 } = topics[0]?.partitions[0] ?? {};
  if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode);
  return offset;
}

/** Reads all replicas side by side. Whoever has a problem is not read further. @returns bytes read from the leader */
async function compareSpan(
  partition: ComparedPartition,
  followers: readonly number[],
  span: { readonly fromOffset: number; readonly endOffset: number },
  { client, maxWaitMs }: CompareOptions,
  problems: ReplicaProblem[],
): Promise<number> {
  let readBytes = 0;
  const deadlineMs = performance.now() + maxWaitMs;
  const open = (brokerId: number, onBytes: (sizeBytes: number) => void) =>
    replicaItems({ client, target: { ...partition, brokerId }, ...span, ...partition, deadlineMs, onBytes });
  const leading = open(partition.leader, (sizeBytes) => {
    readBytes += sizeBytes;
  });
  const others = followers.map(
    (brokerId) =>
      new Follower(
        brokerId,
        open(brokerId, () => {}),
        partition.isCompacted,
      ),
  );
  const ask = (question: (follower: Follower) => Promise<string | null>) =>
    Promise.all(
      others.map(async (follower) => {
        if (follower.isDone) return;
        try {
          const message = await question(follower);
          if (message !== null) problems.push({ brokerId: follower.brokerId, kind: "differs", message });
          follower.isDone = message !== null;
        } catch (error) {
          problems.push(problemOf(follower.brokerId, error));
          follower.isDone = true;
        }
      }),
    );
  for await (const item of leading) await ask((follower) => follower.compare(item));
  await ask((follower) => follower.compareEnd());
  return readBytes;
}

/** A replica that is compared with what the leader has, item by item. */
class Follower {
  readonly brokerId: number;
  isDone = false;
  readonly #items: AsyncGenerator<ReplicaItem, void>;
  /** In a compacted log each broker has removed what it has got to. */
  readonly #mayLack: boolean;
  #head: ReplicaItem | null | undefined;

  constructor(brokerId: number, items: AsyncGenerator<ReplicaItem, void>, mayLack: boolean) {
    this.brokerId = brokerId;
    this.#items = items;
    this.#mayLack = mayLack;
  }

  /** How this replica differs at the leader's item; null where it does not. */
  async compare(item: ReplicaItem): Promise<string | null> {
    let head = await this.#peek();
    while (this.#mayLack && head !== null && head.firstOffset < item.firstOffset) {
      this.#head = undefined;
      head = await this.#peek();
    }
    if (head === null || head.firstOffset > item.firstOffset) {
      return this.#mayLack
        ? null
        : `${span(item)} of the leader is missing${head === null ? "" : `, ${span(head)} follows`}`;
    }
    this.#head = undefined;
    if (head.firstOffset !== item.firstOffset || head.lastOffset !== item.lastOffset) {
      return `it has ${span(head)} where the leader has ${span(item)}`;
    }
    return head.digest === item.digest
      ? null
      : `${span(item)} is another one: CRC ${head.digest}, the leader's ${item.digest}`;
  }

  /** What this replica has and the leader, at its end, has not. */
  async compareEnd(): Promise<string | null> {
    const head = await this.#peek();
    return head === null || this.#mayLack ? null : `${span(head)} is not in the leader's log`;
  }

  async #peek(): Promise<ReplicaItem | null> {
    if (this.#head !== undefined) return this.#head;
    const { value } = await this.#items.next();
    this.#head = value ?? null;
    return this.#head;
  }
}

function span({ firstOffset, lastOffset }: ReplicaItem): string {
  return firstOffset === lastOffset ? `the record at ${firstOffset}` : `the batch ${firstOffset}-${lastOffset}`;
}

function problemOf(brokerId: number, error: unknown): ReplicaProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DamagedReplica) return { brokerId, kind: "damaged", message };
  if (error instanceof ReplicaBehind) return { brokerId, kind: "behind", message };
  return { brokerId, kind: "unreadable", message };
}
