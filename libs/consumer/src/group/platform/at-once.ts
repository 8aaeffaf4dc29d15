import type { GroupProtocol } from "../../options.ts";
import { classicEngine } from "../classic-engine.ts";
import { consumerEngine } from "../consumer-engine.ts";
import type { GroupEngine } from "../engine.ts";

/** What it takes to be in a group: here from the start. */
export function loadGroupEngine(protocol: GroupProtocol): GroupEngine | Promise<GroupEngine> {
  return protocol === "consumer" ? consumerEngine : classicEngine;
}
