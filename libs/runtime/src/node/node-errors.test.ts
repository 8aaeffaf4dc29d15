import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { createNodeDisk } from "./node-disk.ts";

/** Linux has a file that is always full. */
it.skipIf(!existsSync("/dev/full")).each([
  ["at once, as little is", 100],
  ["by a thread, as much is", 1_000_000],
])("the system's own error of a full disk is NO_SPACE, written %s", async (_how, sizeBytes) => {
  const file = await createNodeDisk("/dev").open("/full");
  try {
    await expect(file.write([new Uint8Array(sizeBytes)], 0)).rejects.toMatchObject({
      name: "DiskError",
      code: "NO_SPACE",
      path: "/full",
      message: expect.stringMatching(/ENOSPC/),
    });
  } finally {
    await file.close();
  }
});
