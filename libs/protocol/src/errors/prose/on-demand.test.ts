import { expect, test, vi } from "vitest";
import { errorProse } from "../error-prose.ts";
import { proseOf } from "./on-demand.ts";

test("the name stands in for the sentences until they are loaded", async () => {
  expect(proseOf("UNKNOWN_TOPIC_OR_PARTITION")).toBe("Unknown topic or partition.");
  await vi.waitFor(() => expect(proseOf("UNKNOWN_TOPIC_OR_PARTITION")).toBe(errorProse.UNKNOWN_TOPIC_OR_PARTITION));
  expect(proseOf("NONE")).toBe("No error.");
});
