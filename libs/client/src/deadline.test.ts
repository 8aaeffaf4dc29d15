import { createSimulatedRuntime } from "@ottla/runtime";
import { expect, test } from "vitest";
import { Deadline } from "./deadline.ts";

test("a deadline that is over takes care of what it is given all the same: nothing is left unhandled", async () => {
  const runtime = createSimulatedRuntime(1);
  const deadline = new Deadline("Testing", runtime, 0);
  await expect(deadline.race(Promise.reject(new Error("too late")))).rejects.toMatchObject({
    code: "REQUEST_TIMED_OUT",
  });
  await runtime.settle(); // an unhandled rejection would fail the run
});
