import type { Arrival } from "../simulated-link.ts";
import type { Tally } from "../tally.ts";

/** An EndTxn comes to its coordinator when its client has gone on to another transaction. */
export const DELAYED_END = "KAFKA-17754: an EndTxn comes when its client has begun another transaction";

/** What a client says first of a transaction; where partitions join by being written to, Produce. */
const BEGINNINGS: ReadonlySet<string> = new Set(["AddPartitionsToTxn", "AddOffsetsToTxn", "Produce"]);

/**
 * Counts what the hole KAFKA-17754 takes. Before `transaction.version` 2 the transactions of a producer all have the same
 * epoch, so that such an EndTxn ends the wrong one; since then it is refused.
 */
export class DelayedEnds {
  readonly #tally: Tally;
  readonly #begunMs = new Map<string, number>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  arrived({ exchange: { client, apiName }, direction, sentMs }: Arrival): void {
    if (direction === "response") return;
    const begunMs = this.#begunMs.get(client.name) ?? 0;
    if (BEGINNINGS.has(apiName)) this.#begunMs.set(client.name, Math.max(begunMs, sentMs));
    else if (apiName === "EndTxn" && sentMs < begunMs) this.#tally.add(DELAYED_END);
  }
}
