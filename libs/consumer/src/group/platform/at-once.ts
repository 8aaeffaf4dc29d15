import { type GroupEngine, groupEngine } from "../engine.ts";

/** What it takes to be a member of a group: here from the start. */
export function loadGroupEngine(): GroupEngine | Promise<GroupEngine> {
  return groupEngine;
}
