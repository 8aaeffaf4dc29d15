import { expect, test } from "vitest";
import * as compiled from "./compiled.ts";
import * as handWritten from "./hand-written.ts";

test("what is written by hand in one place is compiled in the other", () => {
  expect(Object.keys(compiled)).toEqual(Object.keys(handWritten));
  expect(Object.values(compiled).every((codec) => codec === undefined)).toBe(true);
});
