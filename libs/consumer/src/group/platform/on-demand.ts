import type { GroupEngine } from "../engine.ts";

/** What it takes to be a member of a group: a page loads it with its first subscription. */
export async function loadGroupEngine(): Promise<GroupEngine> {
  return (await import("../engine.ts")).groupEngine;
}
