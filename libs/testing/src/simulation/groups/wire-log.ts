import { decodeResponse, errorByCode } from "@ottla/protocol";
import { apisByKey } from "@ottla/protocol/internal";
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

/** The parts of an answer in which errors stand. */
interface Answer {
  readonly errorCode?: number;
  readonly topics?: readonly Answer[];
  readonly partitions?: readonly Answer[];
  readonly groups?: readonly Answer[];
  readonly members?: readonly Answer[];
  readonly coordinators?: readonly Answer[];
}

export function isGroupApi(apiName: string): boolean {
  return GROUP_APIS.has(apiName);
}

/** Counts the answer of a group API by the first error in it. */
export function countAnswer(tally: Tally, { apiKey, apiName, apiVersion }: Exchange, response: Uint8Array): void {
  if (!isGroupApi(apiName)) return;
  const answer = decodeResponse(apisByKey.get(apiKey)!, apiVersion, response) as Answer;
  tally.add(`${apiName} answered ${errorByCode(errorIn(answer)).name}`);
}

function errorIn(answer: Answer): number {
  if (answer.errorCode) return answer.errorCode;
  const { topics = [], partitions = [], groups = [], members = [], coordinators = [] } = answer;
  for (const part of [...topics, ...partitions, ...groups, ...members, ...coordinators]) {
    const errorCode = errorIn(part);
    if (errorCode !== 0) return errorCode;
  }
  return 0;
}
