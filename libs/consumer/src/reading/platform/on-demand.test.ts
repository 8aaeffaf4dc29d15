import { expect, test } from "vitest";
import * as atOnce from "./at-once.ts";
import * as onDemand from "./on-demand.ts";

test("a page loads what a process has from the start", async () => {
  expect(await onDemand.loadRecordRunner()).toBe(atOnce.loadRecordRunner());
});
