import { duration, plural } from "../ui/format.ts";
import type { BrokerState } from "./broker-state.ts";
import type { OpenTransaction } from "./hung.ts";
import type { ClusterSummary } from "./summary.ts";

/** Something that a person should look at, and what they can do. */
export interface Concern {
  readonly tone: "bad" | "warn";
  readonly title: string;
  readonly advice: string;
  /** Where to look. */
  readonly path?: readonly string[];
}

const NAMED = 3;
const FREE_SHARE_MIN = 0.1;
const DELAY_MS_MAX = 100;

/** What needs attention, the worst first. */
export function concernsOf(
  summary: ClusterSummary,
  states: readonly BrokerState[],
  transactions: readonly OpenTransaction[] = [],
): Concern[] {
  return [
    ...brokerConcerns(summary),
    ...partitionConcerns(summary),
    ...transactionConcerns(transactions),
    ...diskConcerns(summary),
    ...groupConcerns(summary),
    ...states.flatMap((state) => processConcerns(state, states.length > 1)),
  ];
}

function brokerConcerns({ fenced }: ClusterSummary): Concern[] {
  return fenced.map((id) => ({
    tone: "bad",
    title: `Broker ${id} is fenced`,
    advice:
      "It does not answer the controller: it is down, or cut off from the others. Start it again, or look at its log.",
    path: ["cluster"],
  }));
}

function partitionConcerns({ offline, underReplicated }: ClusterSummary): Concern[] {
  const concerns: Concern[] = [];
  if (offline.length > 0) {
    const advice = `${named(offline)}: nobody can write or read there. Start the brokers that hold their replicas.`;
    concerns.push({
      tone: "bad",
      title: `${plural(offline.length, "partition")} without a leader`,
      advice,
      path: ["cluster"],
    });
  }
  if (underReplicated.length > 0) {
    const advice = `${named(underReplicated)}: a broker is down or cannot keep up. Until it is back, one failure more may lose records.`;
    concerns.push({
      tone: "bad",
      title: `${plural(underReplicated.length, "partition")} with replicas out of sync`,
      advice,
      path: ["cluster"],
    });
  }
  return concerns;
}

/** Readers of committed records stop where a transaction begins that nobody ends. */
function transactionConcerns(transactions: readonly OpenTransaction[]): Concern[] {
  const path = ["transactions"];
  const of = (verdict: OpenTransaction["verdict"]) => transactions.filter((each) => each.verdict === verdict);
  const [hung, late] = [of("hung"), of("late")];
  const concerns: Concern[] = [];
  if (hung.length > 0) {
    const advice = `${named(namesOf(hung))}: no coordinator knows of it, so nobody will end it, and readers of committed records get no further. Abort it on the page Transactions.`;
    concerns.push({ tone: "bad", title: plural(hung.length, "hung transaction"), advice, path });
  }
  if (late.length > 0) {
    const advice = `${named(namesOf(late))}: readers of committed records wait there. Its coordinator should have aborted it; look at that broker's log.`;
    // One transaction may be open in many partitions.
    const count = new Set(late.map(({ producerId }) => producerId)).size;
    concerns.push({ tone: "warn", title: `${plural(count, "transaction")} open beyond the timeout`, advice, path });
  }
  return concerns;
}

function namesOf(transactions: readonly OpenTransaction[]): string[] {
  return transactions.map(({ topic, partition }) => `${topic}-${partition}`);
}

/** Each disk by itself: room on another one does not help. */
function diskConcerns({ disks }: ClusterSummary): Concern[] {
  const full = disks.filter(({ freeShare }) => freeShare < FREE_SHARE_MIN).sort((a, b) => a.freeShare - b.freeShare);
  if (full.length === 0) return [];
  const where = disks.length === 1 ? "" : `${named(full.map(({ broker, path }) => `broker ${broker} ${path}`))}: `;
  const advice = `${where}A full disk stops the broker. Lower retention.ms or retention.bytes of the largest topics, or make room.`;
  const title = `Only ${Math.round(full[0]!.freeShare * 100)}% of ${disks.length === 1 ? "the" : "a"} disk is free`;
  return [{ tone: "bad", title, advice, path: ["topics"] }];
}

function groupConcerns({ fallingBehind, groups }: ClusterSummary): Concern[] {
  const rebalancing = groups.filter(({ state }) => state === "PreparingRebalance");
  return [
    ...fallingBehind.map(({ groupId, lag, grownBy, overMs }): Concern => {
      const advice = `${lag.toLocaleString("en")} records behind, ${grownBy.toLocaleString("en")} more than ${duration(overMs)} ago. Its consumers are too slow, stuck, or not running.`;
      return { tone: "warn", title: `Group ${groupId} falls behind`, advice, path: ["groups", groupId] };
    }),
    ...rebalancing.map(({ groupId }): Concern => {
      const advice = "It reads nothing meanwhile. If this stays, a member comes and goes, or does not answer in time.";
      return { tone: "warn", title: `Group ${groupId} is rebalancing`, advice, path: ["groups", groupId] };
    }),
  ];
}

function processConcerns({ nodeId, process }: BrokerState, isOneOfSeveral: boolean): Concern[] {
  if (process.eventLoopDelayP99Ms < DELAY_MS_MAX) return [];
  const whose = isOneOfSeveral ? `Broker ${nodeId}'s` : "The broker's";
  const title = `${whose} event loop is held up for ${Math.round(process.eventLoopDelayP99Ms)} ms (p99)`;
  return [
    {
      tone: "warn",
      title,
      advice: "All requests wait as long. The machine is short of processor time, or a disk stalls.",
    },
  ];
}

function named(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return names.slice(0, NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
