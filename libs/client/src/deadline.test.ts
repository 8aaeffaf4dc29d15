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

test.each([Number.NaN, "5", 5n, null, undefined])("a time of %s is none: it would never be over", (timeoutMs) => {
  const make = () => new Deadline("Testing", createSimulatedRuntime(1), timeoutMs as never);
  expect(make).toThrow("Testing: timeoutMs is no number.");
});

test("a deadline that comes says what was still awaited, unless something has failed before", async () => {
  const runtime = createSimulatedRuntime(1);
  const never = new Promise<never>(() => {});
  const messageOf = async (deadline: Deadline) => {
    const raced = deadline
      .race(never, "localhost:9092 did not answer ListGroups")
      .catch((error: Error) => error.message);
    await runtime.advance(100);
    return await raced;
  };
  const outer = new Deadline("listGroups", runtime, 1_000);
  const inner = new Deadline("ListGroups", runtime, 100);
  const message = "ListGroups took longer than 100 ms. The last failure was: localhost:9092 did not answer ListGroups";
  expect(await messageOf(inner)).toBe(message);
  outer.lastFailure = inner.timeoutError();
  expect(outer.timeoutError().message).toBe(
    message.replace("ListGroups took longer than 100", "listGroups took longer than 1000"),
  );
  const failed = new Deadline("ListGroups", runtime, 100);
  failed.lastFailure = new Error("refused");
  expect(await messageOf(failed)).toBe("ListGroups took longer than 100 ms. The last failure was: refused");
});
