import { admin } from "../app/cluster.ts";
import { type OpenTransaction, type Partition, suspectsOf, verdictsOf } from "./hung.ts";
import { Turns } from "./in-turns.ts";
import { Poller, resultsWithout } from "./polled.ts";
import { topicFacts } from "./summary.ts";

const INTERVAL_MS = 10_000;

/** Of more partitions some are looked at at a time, in turns. */
const PARTITIONS_AT_A_TIME = 1_000;

/** What is known of transactions that are open in partitions. */
export interface OpenTransactions {
  readonly open: readonly OpenTransaction[];
  /** Partitions that were looked at since the page is open, out of how many there are. */
  readonly looked: number;
  readonly total: number;
}

const turns = new Turns();
let seen: ReadonlyMap<string, readonly OpenTransaction[]> = new Map();

/** Looked for all the time: who waits for a transaction that nobody ends does not know it. */
export const openTransactions = new Poller((signal) => look(PARTITIONS_AT_A_TIME, signal), INTERVAL_MS);

/** Looks at all partitions at once, because somebody wants to know now. */
export async function lookAtAllPartitions(): Promise<void> {
  openTransactions.value.value = await look(Number.POSITIVE_INFINITY);
}

/** Ends a transaction that hangs, if it still does. */
export async function abortHung({ topic, partition, producerId, startOffset }: OpenTransaction): Promise<void> {
  const open = await openIn([{ topic, partition }], {});
  const found = open.find((each) => each.producerId === producerId && each.startOffset === startOffset);
  if (found === undefined) throw new Error("It is not open any more: somebody has ended it.");
  if (found.verdict !== "hung") throw new Error("A coordinator knows of it, and will end it: nothing is to be done.");
  const { producerEpoch, coordinatorEpoch } = found;
  await admin.abortTransaction({ topic, partition, producerId, producerEpoch, coordinatorEpoch });
  await lookAtAllPartitions();
}

async function look(most: number, signal?: AbortSignal): Promise<OpenTransactions> {
  if (topicFacts.value.peek() === undefined) await topicFacts.refresh();
  const all: ReadonlyMap<string, Partition> = new Map(
    (topicFacts.value.peek()?.topics ?? []).flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition }): [string, Partition] => [`${topic}-${partition}`, { topic, partition }]),
    ),
  );
  const chosen = turns.next([...all.keys()], most);
  const found = await openIn(
    chosen.map((name) => all.get(name)!),
    signal === undefined ? {} : { signal },
  );
  const fresh = new Map(chosen.map((name): [string, OpenTransaction[]] => [name, []]));
  for (const each of found) fresh.get(`${each.topic}-${each.partition}`)?.push(each);
  seen = new Map([...seen, ...fresh].filter(([name]) => all.has(name)));
  return { open: [...seen.values()].flat(), looked: seen.size, total: all.size };
}

interface Call {
  readonly signal?: AbortSignal;
}

/**
 * Few questions where nothing is open: readers of committed records stop at the last stable offset, and only where that
 * is not the end a leader is asked for its producers, and the coordinators for what they know of them (decision 0263).
 */
async function openIn(partitions: readonly Partition[], call: Call): Promise<OpenTransaction[]> {
  const found = await producersIn(await heldUp(partitions, call), call);
  if (found.length === 0) return [];
  const producerIds = [...new Set(found.map(({ producerId }) => producerId))];
  const listed = await admin.listTransactions({ ...call, producerIds });
  const ids = listed.map(({ transactionalId }) => transactionalId);
  const described = ids.length === 0 ? [] : await resultsWithout(admin.describeTransactions(ids, call));
  const suspects = suspectsOf(found, listed, described);
  // One that ended between the questions looks like one that nobody knows.
  const stillOpen = suspects.length === 0 ? [] : await producersIn(suspects, call);
  return verdictsOf({ found, listed, described, stillOpen, nowMs: Date.now() });
}

async function heldUp(partitions: readonly Partition[], call: Call): Promise<Partition[]> {
  if (partitions.length === 0) return [];
  const queries = partitions.map((partition) => ({ ...partition, spec: "latest" as const }));
  const [stable, ends] = await Promise.all([
    resultsWithout(admin.listOffsets(queries, { ...call, isolationLevel: "read_committed" })),
    resultsWithout(admin.listOffsets(queries, call)),
  ]);
  const endOf = new Map(ends.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
  return stable.filter(({ topic, partition, offset }) => offset < (endOf.get(`${topic}-${partition}`) ?? 0));
}

async function producersIn(partitions: readonly Partition[], call: Call) {
  if (partitions.length === 0) return [];
  const unique = new Map(partitions.map(({ topic, partition }) => [`${topic}-${partition}`, { topic, partition }]));
  return (await resultsWithout(admin.describeProducers([...unique.values()], call))).flatMap(
    ({ topic, partition, producers }) =>
      producers
        .filter(({ currentTransactionStartOffset }) => currentTransactionStartOffset >= 0)
        .map(({ producerId, producerEpoch, coordinatorEpoch, lastTimestampMs, currentTransactionStartOffset }) => ({
          ...{ topic, partition, producerId, producerEpoch, coordinatorEpoch, lastTimestampMs },
          startOffset: currentTransactionStartOffset,
        })),
  );
}
