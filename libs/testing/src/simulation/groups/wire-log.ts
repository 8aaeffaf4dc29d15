import { decodeResponse, errorByCode } from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
import { errorIn } from "../errors-in-answers.ts";
import type { Exchange } from "../simulated-link.ts";
import type { Tally } from "../tally.ts";

/** The APIs of groups whose answers are counted by error. */
const GROUP_APIS: ReadonlySet<string> = new Set([
  "JoinGroup",
  "SyncGroup",
  "Heartbeat",
  "LeaveGroup",
  "OffsetCommit",
  "OffsetFetch",
  "ConsumerGroupHeartbeat",
  "FindCoordinator",
]);

export function isGroupApi(apiName: string): boolean {
  return GROUP_APIS.has(apiName);
}

/** Counts the answer of a group API by the first error in it. */
export function countAnswer(tally: Tally, { apiKey, apiName, apiVersion }: Exchange, response: Uint8Array): void {
  if (!isGroupApi(apiName)) return;
  const answer = decodeResponse(apisByKey.get(apiKey)!, apiVersion, response);
  tally.add(`${apiName} answered ${errorByCode(errorIn(answer)).name}`);
}
