import { expect, it } from "vitest";
import { parseZooKeeperConnect } from "./connect-string.ts";

it.each<[text: string, servers: readonly string[], root: string]>([
  ["one:2181", ["one:2181"], ""],
  ["one", ["one:2181"], ""],
  ["one:1,two:2,three", ["one:1", "two:2", "three:2181"], ""],
  ["one:1, two:2", ["one:1", "two:2"], ""],
  ["one:1/", ["one:1"], ""],
  ["one:1,two:65535/a", ["one:1", "two:65535"], "/a"],
  ["one/a/b", ["one:2181"], "/a/b"],
  ["[::1]:2182,[::2]/a", ["::1:2182", "::2:2181"], "/a"],
])("%j", (text, servers, root) => {
  const parsed = parseZooKeeperConnect(text);
  expect(parsed?.servers.map(({ host, port }) => `${host}:${port}`)).toEqual(servers);
  expect(parsed?.root).toBe(root);
});

it.each(["", ",", "one:1,", "/a", "one:0", "one:65536", "one:x", "one:", ":1", "one:1/a/", "one:1//a", "::1:2181"])(
  "%j is not of that form",
  (text) => expect(parseZooKeeperConnect(text)).toBeNull(),
);
