import { expect, test } from "vitest";
import { ProducerBatch } from "./producer-batch.ts";

test("a codec that fails at once is told of as one that fails later: nothing is thrown at who seals", async () => {
  const batch = new ProducerBatch({ topic: "t", partition: 0, createdAtMs: 0, buffer: new Uint8Array(100) });
  batch.append(null, "v", [], 0);
  const ready = new Promise((resolve) => batch.seal("gzip", 99, resolve));
  expect(batch.isReady).toBe(false);
  expect(await ready).toBeInstanceOf(Error);
});
