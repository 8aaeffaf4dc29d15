import { createSimulatedDisk, createSimulatedRuntime, seededRandom } from "@ottla/runtime";
import { expect, it } from "vitest";
import { DIRECTORY } from "../test-support/fixture.ts";
import { takeCleanShutdownMark, writeCleanShutdownMark } from "./clean-shutdown.ts";

it("does not come back by a power cut once it was seen to be gone, though a kill came before that was synced", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const runtime = createSimulatedRuntime(seed);
    const disk = createSimulatedDisk({ ...runtime, random: seededRandom(seed) });
    await disk.makeDirectory(DIRECTORY);
    await writeCleanShutdownMark(disk, DIRECTORY, 1);
    // It stops at the sync of the directory, behind the removal.
    disk.crashAfter(1);
    await Promise.race([takeCleanShutdownMark(disk, DIRECTORY), disk.stopped]);
    expect(disk.stoppedAt?.operation).toBe("syncDirectory");
    const killed = disk.crash("process");
    expect(await takeCleanShutdownMark(killed, DIRECTORY)).toBe(false);
    expect(await takeCleanShutdownMark(killed.crash("power"), DIRECTORY), `seed ${seed}`).toBe(false);
  }
});
