import { expect, it } from "vitest";
import { parseStart } from "./start-position.ts";

it.each([
  ["beginning", { kind: "beginning" }],
  ["end", { kind: "end" }],
  ["42", { kind: "offset", offset: 42 }],
  ["2026-01-31T12:00:00Z", { kind: "time", timestampMs: Date.UTC(2026, 0, 31, 12) }],
  ["2026-01-31", { kind: "time", timestampMs: Date.UTC(2026, 0, 31) }],
])("--from %s", (text, position) => expect(parseStart(text)).toEqual(position));

it.each(["", "latest", "-1", "1.5", "2026-13-45", "yesterday"])(
  "--from %s is refused with what is possible",
  (text) => {
    expect(() => parseStart(text)).toThrow(/beginning, end, an offset/);
  },
);
