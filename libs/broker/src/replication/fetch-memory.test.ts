import type { FetchResponse } from "@ottla/protocol";
import { expect, it } from "vitest";
import { FetchMemory } from "./fetch-memory.ts";

const NOTHING = new Uint8Array(0);
const answerWith = (...records: readonly (Uint8Array | null)[]) =>
  ({ responses: [{ partitions: records.map((one) => ({ records: one })) }] }) as unknown as FetchResponse;

it("gives the memory of an answer again once its records are in the logs", () => {
  const memory = new FetchMemory();
  const frame = memory.frames(NOTHING, 100_000);
  const other = memory.frames(NOTHING, 100_000);
  expect(other.buffer).not.toBe(frame.buffer);
  memory.releaseRecords(answerWith(frame.subarray(10, 50_000), null, frame.subarray(50_010)));
  expect(memory.frames(NOTHING, 99_000).buffer).toBe(frame.buffer);
  expect(memory.frames(NOTHING, 99_000).buffer, "it is given once").not.toBe(frame.buffer);
});

it("gives the beginning of an answer again that has outgrown it", () => {
  const memory = new FetchMemory();
  const beginning = memory.frames(NOTHING, 100_000);
  memory.frames(beginning, 300_000);
  expect(memory.frames(NOTHING, 100_000).buffer).toBe(beginning.buffer);
});

it("leaves alone what is somebody else's", () => {
  const memory = new FetchMemory();
  const chunk = new Uint8Array(100_000);
  memory.releaseRecords(answerWith(chunk.subarray(10, 20)));
  expect(memory.frames(NOTHING, 100_000).buffer).not.toBe(chunk.buffer);
});
