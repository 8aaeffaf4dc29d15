import { createMemoryDisk, createSimulatedRuntime, type Disk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { defaultLogConfig } from "../log-config.ts";
import { batch } from "../test-support/batches.ts";
import { LogDirectories } from "./log-directories.ts";
import { openLogManager } from "./open-log-manager.ts";

const TOPIC_ID = "AAAAAAAAAAAAAAAAAAAACQ";
const IDS = ["AAAAAAAAAAAAAAAAAAAAEQ", "AAAAAAAAAAAAAAAAAAAAEg"] as const;

async function open(disks: readonly Disk[]): Promise<LogDirectories> {
  const directories = disks.map(async (disk, index) => ({
    id: IDS[index]!,
    name: `/${index}`,
    logs: await openLogManager({ disk, directory: "/", runtime: createSimulatedRuntime(1) }),
  }));
  return new LogDirectories(await Promise.all(directories));
}

/** A log of three records in the first directory, and a future log with the same in the second. */
async function withFuture() {
  const disks = [createMemoryDisk(), createMemoryDisk()];
  const logs = await open(disks);
  const log = await logs.openOrCreate("orders", 0, TOPIC_ID, defaultLogConfig, IDS[0]);
  const future = await logs.all[1]!.logs!.createFuture("orders", 0, TOPIC_ID, defaultLogConfig);
  for (const each of [log, future]) {
    await each.appendAsLeader(batch({ count: 3 }), { leaderEpoch: 3, origin: "coordinator" }).written;
    each.setHighWatermark(3);
  }
  await future.advanceLogStartOffset(1);
  return { disks, logs };
}

const reopened = (logs: LogDirectories, assignedId: string) =>
  logs.openOrCreate("orders", 0, TOPIC_ID, defaultLogConfig, assignedId);

describe("a future log", () => {
  it("takes the place of the log: offsets, epochs and what was deleted are its own", async () => {
    const { disks, logs } = await withFuture();
    await logs.promoteFuture("orders", 0);
    expect(logs.directoryOf("orders", 0)?.name).toBe("/1");
    expect([...logs.futures()]).toEqual([]);
    const wanted = { logStartOffset: 1, logEndOffset: 3, highWatermark: 3, latestLeaderEpoch: 3 };
    expect(await reopened(logs, IDS[0])).toMatchObject(wanted);
    await logs.close();
    const again = await open(disks);
    expect(again.directoryOf("orders", 0)?.name).toBe("/1");
    expect(await reopened(again, IDS[1])).toMatchObject(wanted);
  });

  it("that is alone since a crash came when it took the place of the other takes it at the next start", async () => {
    const { disks, logs } = await withFuture();
    await logs.all[0]!.logs!.delete("orders", 0);
    await logs.close();
    const again = await open(disks);
    expect(await reopened(again, IDS[0])).toMatchObject({ logEndOffset: 3, latestLeaderEpoch: 3 });
    expect(again.directoryOf("orders", 0)?.name).toBe("/1");
  });

  it("is no log of the partition as long as there is the other, and goes with it", async () => {
    const { disks, logs } = await withFuture();
    await logs.close();
    const again = await open(disks);
    expect(again.directoryOf("orders", 0)?.name).toBe("/0");
    expect(again.futureOf("orders", 0)?.log.logEndOffset).toBe(3);
    await again.delete("orders", 0);
    expect([...again.futures()]).toEqual([]);
  });
});
