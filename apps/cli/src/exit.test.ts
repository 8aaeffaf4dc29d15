import { Writable } from "node:stream";
import { KafkaError, PartialFailureError } from "@ottla/admin";
import { expect, it, vi } from "vitest";
import { endWithReader, exitCodeOf, explain, UsageError } from "./exit.ts";

it("says of each thing what failed, and nothing of methods", () => {
  const notFound = new KafkaError("nope: Group nope not found.", { code: "GROUP_ID_NOT_FOUND" });
  const notEmpty = new KafkaError("busy: The group has members.", { code: "NON_EMPTY_GROUP" });
  const failures = [
    { resource: "nope", error: notFound },
    { resource: "busy", error: notEmpty },
  ];
  expect(explain(new PartialFailureError("deleteGroups", failures, 2))).toEqual([
    'There is no group "nope"; `ottla groups list` shows those there are. (GROUP_ID_NOT_FOUND)',
    "busy: The group has members. (NON_EMPTY_GROUP)",
  ]);
});

it("says why something took too long, not that it did", () => {
  const nobody = new KafkaError("No broker can be reached.", { code: "BROKER_NOT_AVAILABLE" });
  const late = (cause: unknown) => new KafkaError("It took longer.", { code: "REQUEST_TIMED_OUT", cause });
  expect(explain(late(late(nobody)))).toEqual(["No broker can be reached. (BROKER_NOT_AVAILABLE)"]);
  expect(explain(late(undefined))).toEqual(["It took longer. (REQUEST_TIMED_OUT)"]);
});

it("tells what the broker refused from what was asked in vain", () => {
  expect(exitCodeOf(new KafkaError("no such partition", { code: "INVALID_ARGUMENT" }))).toBe(2);
  expect(exitCodeOf(new KafkaError("no such topic", { code: "UNKNOWN_TOPIC_OR_PARTITION" }))).toBe(1);
  expect(exitCodeOf(new UsageError("no such file"))).toBe(2);
});

it("names Kafka's error once", () => {
  expect(explain(new KafkaError("too old", { code: "UNSUPPORTED_VERSION" }))).toEqual([
    "too old (UNSUPPORTED_VERSION)",
  ]);
  expect(explain(new KafkaError("CLOSED by hand", { code: "CLOSED" }))).toEqual(["CLOSED by hand"]);
  expect(explain("what is no error")).toEqual(["what is no error"]);
});

it.each([
  ["EPIPE", 141, ""],
  ["ENOSPC", 1, "ottla: standard output cannot be written: no space left on device\n"],
])("ends with an output that fails with %s", async (code, exitCode, said) => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
  const errors = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const output = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("no space left on device"), { code })),
    });
    endWithReader(output as NodeJS.WriteStream);
    await new Promise((resolve) => output.write("text", resolve));
    await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(exitCode));
    expect(errors.mock.calls.map(([text]) => text).join("")).toBe(said);
  } finally {
    vi.restoreAllMocks();
  }
});
