import { expect, it } from "vitest";
import { checkGroupStart, parseStart } from "./start-position.ts";

it.each([
  ["beginning", { kind: "beginning" }],
  ["end", { kind: "end" }],
  ["42", { kind: "offset", offset: 42 }],
  ["2026-01-31T12:00:00Z", { kind: "time", timestampMs: Date.UTC(2026, 0, 31, 12) }],
  ["2026-01-31", { kind: "time", timestampMs: Date.UTC(2026, 0, 31) }],
])("--from %s", (text, position) => expect(parseStart(text)).toEqual(position));

it.each([
  "",
  "latest",
  "-1",
  "9007199254740993",
  "99999999999999999999",
  "1.5",
  "2026-13-45",
  "2026-02-30",
  "yesterday",
])("--from %s is refused with what is possible", (text) => {
  expect(() => parseStart(text)).toThrow(/beginning, end, an offset/);
});

it.each(["42", "2026-01-31"])("--from %s is nothing for a group", (text) => {
  expect(() => checkGroupStart(parseStart(text))).toThrow(/exclude each other/);
});

it.each(["beginning", "end"])("--from %s is where a group begins without a commit", (text) => {
  expect(() => checkGroupStart(parseStart(text))).not.toThrow();
});
