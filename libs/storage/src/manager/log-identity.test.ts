import { createSimulatedDisk, createSimulatedRuntime, type Disk, type SimulatedDisk } from "@ottla/runtime";
import { describe, expect, it } from "vitest";
import { batch } from "../test-support/batches.ts";
import { copyDisk, FaultyDisk, writeFile } from "../test-support/disks.ts";
import { append, type Fixture, openFixture, openLog, TOPIC_ID } from "../test-support/fixture.ts";

const METADATA = "/data/topic-0/partition.metadata";
const OTHER_ID = "AAAAAAAAAAAAAAAAAAAAAg";
/** What a power cut leaves of what was not synced is a matter of chance. */
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);
const ALL_SYNCED = { flushMessages: 1 };

/** What the start after a power cut finds, in so many of the ways that it may go. */
async function afterPowerCuts(
  live: (disk: SimulatedDisk) => Promise<unknown>,
  config: Partial<Fixture["config"]> = {},
): Promise<readonly [string, number][]> {
  const found = new Map<string, number>();
  for (const seed of SEEDS) {
    const disk = createSimulatedDisk(createSimulatedRuntime(seed));
    await live(disk);
    const again = await openFixture({ disk: disk.crash("power"), config }).catch(String);
    const outcome = typeof again === "string" ? again : `ends at ${(await openLog(again)).logEndOffset}`;
    if (typeof again !== "string") await again.manager.close();
    found.set(outcome, (found.get(outcome) ?? 0) + 1);
  }
  return [...found];
}

/** Time for what is written once a minute. */
async function checkpointed({ runtime }: Fixture): Promise<void> {
  await runtime.advance(61_000);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a log that could not be made whole", () => {
  it.each([
    { what: "nothing of its id written", tornBytes: 0 },
    { what: "a part of its id written", tornBytes: 5 },
  ])("is made anew after a clean stop: $what", async ({ tornBytes }) => {
    const disk = new FaultyDisk();
    disk.tornBytes = tornBytes;
    const fixture = await openFixture({ disk });
    disk.fault = (operation, path) =>
      operation === "write" && path.endsWith("partition.metadata") ? "NO_SPACE" : null;
    await expect(openLog(fixture)).rejects.toThrow("on purpose");
    await expect(fixture.manager.createFuture("other", 0, TOPIC_ID, fixture.config)).rejects.toThrow("on purpose");
    disk.fault = () => null;
    await fixture.manager.close();
    const again = await openFixture({ disk });
    expect((await openLog(again)).logEndOffset).toBe(0);
    await again.manager.close();
  });

  it("keeps what is synced to it after the next start, whatever a power cut takes", async () => {
    const live = async (simulated: SimulatedDisk) => {
      const disk = new FaultyDisk(simulated);
      const fixture = await openFixture({ disk, config: ALL_SYNCED });
      disk.fault = (operation, path) => (operation === "open" && path.endsWith("0.log") ? "TOO_MANY_OPEN_FILES" : null);
      await expect(openLog(fixture)).rejects.toThrow("on purpose");
      disk.fault = () => null;
      await fixture.manager.close();
      await append(await openLog(await openFixture({ disk, config: ALL_SYNCED })), batch());
    };
    expect(await afterPowerCuts(live, ALL_SYNCED)).toEqual([["ends at 1", SEEDS.length]]);
  });

  it("has nothing of the topic that was deleted before, where that could not be taken away", async () => {
    const disk = new FaultyDisk();
    const { manager, config, ...rest } = await openFixture({ disk });
    await append(await openLog({ manager, config, ...rest }), batch({ count: 3 }));
    disk.fault = (operation, path) => (operation === "rename" && path === "/data/topic-0" ? "NO_SPACE" : null);
    await expect(manager.delete("topic", 0)).rejects.toThrow("on purpose");
    disk.fault = () => null;
    const log = await manager.openOrCreate("topic", 0, OTHER_ID, config);
    expect([log.topicId, log.logEndOffset]).toEqual([OTHER_ID, 0]);
    const names = (await disk.list("/data")).map(({ name }) => name);
    expect(names.filter((name) => name.endsWith("-stray"))).toHaveLength(1);
    await manager.close();
  });
});

describe("a log that is to take another one's place", () => {
  /** One that was there went to another directory; now it comes back. */
  async function movedAway(disk: Disk): Promise<Fixture> {
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    await append(log, batch({ count: 3 }));
    await log.flush();
    await checkpointed(fixture);
    await fixture.manager.delete("topic", 0);
    return fixture;
  }

  it("is not taken for the one that the checkpoint names, when a power cut comes", async () => {
    const live = async (disk: SimulatedDisk) => {
      const { manager, config } = await movedAway(disk);
      await manager.createFuture("topic", 0, TOPIC_ID, config);
    };
    expect(await afterPowerCuts(live)).toEqual([["ends at 0", SEEDS.length]]);
  });

  it("nor when the process is killed while it is made", async () => {
    for (let operations = 1; operations <= 6; operations++) {
      const disk = createSimulatedDisk(createSimulatedRuntime(1));
      const { manager, config } = await movedAway(disk);
      disk.crashAfter(operations);
      await Promise.race([manager.createFuture("topic", 0, TOPIC_ID, config), disk.stopped]);
      await (await openFixture({ disk: disk.crash("process") })).manager.close();
    }
  });

  it("begins where it begins, and not where one of the same name began", async () => {
    const disk = new FaultyDisk();
    const fixture = await openFixture({ disk });
    const log = await openLog(fixture);
    for (let i = 0; i < 2; i++) await append(log, batch({ count: 3 }));
    log.setHighWatermark(6);
    await log.advanceLogStartOffset(5);
    await fixture.manager.delete("topic", 0);
    const future = await fixture.manager.createFuture("topic", 0, OTHER_ID, fixture.config);
    await append(future, batch({ count: 6 }));
    await future.flush();
    let killed: Promise<Disk> | undefined;
    disk.fault = (operation, path) => {
      if (operation === "open" && path === "/data/topic-0/00000000000000000000.log") killed ??= copyDisk(disk);
      return null;
    };
    await fixture.manager.promoteFuture("topic", 0);
    const found = (await openFixture({ disk: (await killed)! })).manager.get("topic", 0)!;
    expect([found.topicId, found.logStartOffset, found.logEndOffset]).toEqual([OTHER_ID, 0, 6]);
  });
});

describe("a log that was found without a topic id", () => {
  async function stoppedWithoutId(disk: Disk): Promise<void> {
    const first = await openFixture({ disk });
    await append(await openLog(first), batch({ count: 3 }));
    await first.manager.close();
    await disk.remove(METADATA);
    await disk.syncDirectory("/data/topic-0");
  }

  it.each([
    { when: "right after it was given one", wait: async () => {} },
    { when: "after the next checkpoint", wait: checkpointed },
  ])("keeps its records when a power cut comes $when", async ({ wait }) => {
    const live = async (disk: SimulatedDisk) => {
      await stoppedWithoutId(disk);
      const fixture = await openFixture({ disk });
      await openLog(fixture);
      await wait(fixture);
    };
    expect(await afterPowerCuts(live)).toEqual([["ends at 3", SEEDS.length]]);
  });

  it("keeps them where it cannot be given one", async () => {
    const disk = new FaultyDisk();
    await stoppedWithoutId(disk);
    const fixture = await openFixture({ disk });
    disk.fault = (operation, path) => (operation === "write" && path.startsWith(METADATA) ? "NO_SPACE" : null);
    await expect(openLog(fixture)).rejects.toThrow("on purpose");
    disk.fault = () => null;
    const killed = await openFixture({ disk: await copyDisk(disk) });
    await fixture.manager.close();
    const stopped = await openFixture({ disk });
    expect([killed, stopped].map(({ manager }) => manager.get("topic", 0)?.logEndOffset)).toEqual([3, 3]);
  });
});

it("an id that cannot be read is damage where the checkpoint names the log, be its recovery point 0", async () => {
  const first = await openFixture({ config: ALL_SYNCED });
  await append(await openLog(first), batch({ count: 3 }));
  await checkpointed(first);
  const disk = await copyDisk(first.disk);
  await writeFile(disk, METADATA, "version: 0\ntopic_id: AAA");
  await expect(openFixture({ disk })).rejects.toThrow("cannot be used");
});

it("a failed sync of logs' names takes the directory offline: none that comes later brings them to the disk", async () => {
  const disk = new FaultyDisk();
  const fixture = await openFixture({ disk, config: ALL_SYNCED });
  await openLog(fixture, "gone");
  const log = await openLog(fixture);
  disk.fault = (operation, path) => (operation === "syncDirectory" && path === "/data" ? "IO" : null);
  await expect(fixture.manager.delete("gone", 0)).rejects.toThrow("on purpose");
  disk.fault = () => null;
  expect(fixture.manager.failure?.code).toBe("IO");
  await expect(append(log, batch())).rejects.toThrow("offline");
});

it("too many open files at the first sync is no failed sync", async () => {
  const disk = new FaultyDisk();
  const fixture = await openFixture({ disk, config: ALL_SYNCED });
  const log = await openLog(fixture);
  disk.fault = (operation, path) =>
    operation === "open" && path.endsWith("partition.metadata") ? "TOO_MANY_OPEN_FILES" : null;
  await expect(append(log, batch())).rejects.toThrow("on purpose");
  expect([log.isOffline, fixture.manager.failure]).toEqual([false, null]);
  disk.fault = () => null;
  await append(log, batch());
  await fixture.manager.close();
});
