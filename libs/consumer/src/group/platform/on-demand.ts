import type { GroupProtocol } from "../../options.ts";
import type { GroupEngine } from "../engine.ts";

/** What it takes to be in a group: a page loads it when it joins, or commits, and only for the group's protocol. */
export async function loadGroupEngine(protocol: GroupProtocol): Promise<GroupEngine> {
  if (protocol === "consumer") return (await import("../consumer-engine.ts")).consumerEngine;
  return (await import("../classic-engine.ts")).classicEngine;
}
