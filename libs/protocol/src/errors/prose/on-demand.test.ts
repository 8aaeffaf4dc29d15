import { expect, test, vi } from "vitest";
import { ErrorCode, type ErrorName } from "../error-code.ts";
import * as atOnce from "./at-once.ts";
import { expectErrors, proseOf } from "./on-demand.ts";

const soon = (name: ErrorName) => vi.waitFor(() => expect(proseOf(name)).toBe(atOnce.proseOf(name)));

test("the name stands in for the sentences until they are loaded", async () => {
  expect(proseOf("UNKNOWN_TOPIC_OR_PARTITION")).toBe("Unknown topic or partition.");
  await soon("UNKNOWN_TOPIC_OR_PARTITION");
  expect(proseOf("NONE")).toBe("No error.");
});

test("what only others get comes when one of them comes, or is expected", async () => {
  expectErrors(false);
  await soon("NONE");
  expect(proseOf("TOPIC_ALREADY_EXISTS")).toBe("Topic already exists.");
  await soon("TOPIC_ALREADY_EXISTS");
  for (const name of Object.keys(ErrorCode) as ErrorName[]) expect(proseOf(name)).toBe(atOnce.proseOf(name));
});
