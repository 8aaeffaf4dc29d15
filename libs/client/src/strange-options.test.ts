import { expect, test } from "vitest";
import { strangeOption, watchedOptions } from "./arguments.ts";

const known = new Set(["lingerMs", "batchSize", "bootstrapServers", "compression", "compressionLevel", "groupId"]);

test.each([
  ["lingerMS", "lingerMs"],
  ["linger", "lingerMs"],
  ["LingerMs", "lingerMs"],
  ["batchSizes", "batchSize"],
  ["botstrapServers", "bootstrapServers"],
  ["bootstrapServer", "bootstrapServers"],
  ["compresion", "compression"],
  ["groupID", "groupId"],
  ["compressionLevl", "compressionLevel"],
])("%s is near %s", (name, nearest) => {
  expect(strangeOption({ [name]: 1 }, known)).toBe(`there is no option ${name}; did you mean ${nearest}?`);
});

test.each(["brokers", "fromBeginning", "", "a"])("%j is near none", (name) => {
  expect(strangeOption({ [name]: 1 }, known)).toBe(`there is no option ${name}.`);
});

test("what is known is no strange option, whatever it is", () => {
  expect(strangeOption({ lingerMs: undefined, groupId: null }, known)).toBeUndefined();
  expect(strangeOption({}, new Set())).toBeUndefined();
});

test("an option is what was asked for", () => {
  const given = Object.freeze({ bootstrapServers: "localhost:9092", lingerMs: 5 });
  const [options, refuseOthers] = watchedOptions("Producer", given);
  expect(options.bootstrapServers).toBe("localhost:9092");
  expect(refuseOthers).toThrow("new Producer: there is no option lingerMs.");
  expect(options.lingerMs).toBe(5);
  refuseOthers();
});
