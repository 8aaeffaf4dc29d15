import type { FetchResponse } from "@ottla/protocol";
import { expect, it } from "vitest";
import { FetchMemory } from "./fetch-memory.ts";

const NOTHING = new Uint8Array(0);
const answerWith = (...records: readonly (Uint8Array | null)[]) =>
  ({ responses: [{ partitions: records.map((one) => ({ records: one })) }] }) as unknown as FetchResponse;

/** Frames of half a mebibyte: a third one does not fit the buffer of the first two. */
const HALF_BYTES = 512 * 1024;

it("gives the memory of answers again once their records are in the logs, and no sooner", () => {
  const memory = new FetchMemory();
  const [first, second] = [memory.frames(NOTHING, HALF_BYTES), memory.frames(NOTHING, HALF_BYTES)];
  expect(second.buffer).toBe(first.buffer);
  memory.releaseRecords(answerWith(null, first.subarray(10, 50_000), first.subarray(50_010)));
  for (let i = 0; i < 4; i++) expect(memory.frames(NOTHING, HALF_BYTES).buffer).not.toBe(first.buffer);
  memory.releaseRecords(answerWith(second));
  expect(memory.frames(NOTHING, HALF_BYTES).buffer).toBe(first.buffer);
});

it("gives the beginning of an answer again that has outgrown it", () => {
  const memory = new FetchMemory();
  const beginning = memory.frames(NOTHING, 100_000);
  const whole = memory.frames(beginning, 300_000);
  const next = memory.frames(NOTHING, 100_000);
  expect(next.byteOffset + next.length <= whole.byteOffset || next.byteOffset >= whole.byteOffset + whole.length).toBe(
    true,
  );
  memory.releaseRecords(answerWith(whole));
  memory.releaseRecords(answerWith(next));
  expect(memory.frames(NOTHING, 100_000).byteOffset).toBe(beginning.byteOffset);
});

it("leaves alone what is somebody else's", () => {
  const memory = new FetchMemory();
  const chunk = new Uint8Array(100_000);
  memory.releaseRecords(answerWith(chunk.subarray(10, 20)));
  expect(memory.frames(NOTHING, 100_000).buffer).not.toBe(chunk.buffer);
});
