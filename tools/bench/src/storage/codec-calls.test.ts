import { codecByName, encodeRecordBatch, RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import { expect, it } from "vitest";
import { CodecCalls } from "./codec-calls.ts";

it("counts decoding, decompressing and compressing, and only while it is asked to", async () => {
  const calls = new CodecCalls();
  const work = async () => {
    const builder = new RecordBatchBuilder();
    builder.append("k", "v", [], 1);
    const compressed = await builder.close({ compression: "lz4" });
    for (const _ of await readRecordBatch(compressed));
    for (const _ of await readRecordBatch(encodeRecordBatch({ records: [{ value: "v" }] })));
  };
  const { compress } = codecByName("lz4");
  calls.start();
  await work();
  calls.stop();
  await work();
  expect([calls.decodes, calls.decompressions, calls.compressions, calls.count]).toEqual([2, 1, 1, 4]);
  expect(codecByName("lz4").compress).toBe(compress);
});
