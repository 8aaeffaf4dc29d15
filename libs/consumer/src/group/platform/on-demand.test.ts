import { expect, test } from "vitest";
import * as atOnce from "./at-once.ts";
import * as onDemand from "./on-demand.ts";

test.each(["classic", "consumer"] as const)("a page loads what a process has from the start (%s)", async (protocol) => {
  expect(await onDemand.loadGroupEngine(protocol)).toBe(atOnce.loadGroupEngine(protocol));
});
