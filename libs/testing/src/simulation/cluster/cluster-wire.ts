import { decodeResponse, errorByCode } from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import { errorIn } from "../errors-in-answers.ts";
import type { Arrival, Exchange } from "../simulated-link.ts";
import type { Tally } from "../tally.ts";

/** The APIs that transactions live by. */
export const TRANSACTION_APIS: ReadonlySet<string> = new Set([
  "AddOffsetsToTxn",
  "AddPartitionsToTxn",
  "EndTxn",
  "TxnOffsetCommit",
  "WriteTxnMarkers",
]);

/** Whose answers are counted by error: the APIs that a cluster and its transactions live by. */
export const COUNTED_APIS: ReadonlySet<string> = new Set([
  "AlterPartition",
  "BrokerHeartbeat",
  "BrokerRegistration",
  "Fetch",
  "InitProducerId",
  "ListOffsets",
  "OffsetForLeaderEpoch",
  "Produce",
  ...TRANSACTION_APIS,
]);

export function countAnswer(tally: Tally, { apiKey, apiName, apiVersion }: Exchange, frame: Uint8Array): void {
  if (!COUNTED_APIS.has(apiName)) return;
  const answer = decodeResponse(apisByKey.get(apiKey)!, apiVersion, frame);
  tally.add(`${apiName} answered ${errorByCode(errorIn(answer)).name}`);
}

/** Counts messages that overtake others between the same two processes, on other connections. */
export class ReorderCount {
  readonly #tally: Tally;
  readonly #latestSentMs = new Map<string, number>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  arrived({ exchange: { client, server }, direction, sentMs }: Arrival): void {
    const way = `${client.name} ${server.name} ${direction}`;
    const latest = this.#latestSentMs.get(way) ?? 0;
    if (sentMs < latest) this.#tally.add("message overtaken on another connection");
    else this.#latestSentMs.set(way, sentMs);
  }
}
