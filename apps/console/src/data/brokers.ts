import type { BrokerDescription } from "@ottla/admin";
import { askBroker } from "../app/cluster.ts";
import { otherOriginsOf } from "./origins.ts";

/** A broker that does not answer must not hold up what the others say. */
const TIMEOUT_MS = 2_000;

/**
 * What the brokers of the cluster answer, that of the page's own first; it alone has to answer. A broker that is reached
 * by two addresses counts once.
 */
export async function askBrokers<T extends { readonly nodeId: number }>(
  what: string,
  brokers: readonly BrokerDescription[],
  signal: AbortSignal,
): Promise<T[]> {
  const others = otherOriginsOf(brokers, location.origin).map((origin) =>
    askBroker<T>(what, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]), origin).catch(() => null),
  );
  const own = await askBroker<T>(what, signal);
  const answers = [own, ...(await Promise.all(others)).filter((answer) => answer !== null)];
  return [...new Map(answers.map((answer) => [answer.nodeId, answer])).values()];
}
