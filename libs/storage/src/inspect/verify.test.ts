import type { Disk } from "@ottla/runtime";
import { expect, it } from "vitest";
import { batch } from "../test-support/batches.ts";
import { append, openFixture, openLog, TOPIC_ID } from "../test-support/fixture.ts";
import { verifyDirectory } from "./verify.ts";

it("tells its progress by partitions too, where they hold next to nothing beside a large one", async () => {
  const fixture = await openFixture();
  const large = await openLog(fixture, "large");
  for (let i = 0; i < 20; i++) await append(large, batch({ valueBytes: 100_000 }));
  for (let partition = 0; partition < 50; partition++) await openLog(fixture, "small", partition);
  await fixture.manager.close();
  const shares: number[] = [];
  await verifyDirectory(fixture.disk, "/data", { onProgress: (done, total) => shares.push(done / total) });
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  expect(shares.filter((share) => share < 0.5).length).toBeGreaterThan(20);
  expect(shares.filter((share) => share > 0.5 && share < 0.99).length).toBeGreaterThan(20);
});

it("tells its progress to the end, also where a log is damaged and nothing behind it can be found", async () => {
  const fixture = await openFixture();
  const log = await openLog(fixture, "damaged");
  for (let i = 0; i < 20; i++) await append(log, batch({ valueBytes: 100_000 }));
  await fixture.manager.close();
  const file = await fixture.disk.open("/data/damaged-0/00000000000000000000.log");
  // The length of the first batch.
  await file.write([Uint8Array.of(0xff, 0xff, 0xff, 0xff)], 8);
  await file.close();
  const shares: number[] = [];
  const found = await verifyDirectory(fixture.disk, "/data", {
    onProgress: (done, total) => shares.push(done / total),
  });
  expect(JSON.stringify(found)).toContain("damaged-0");
  expect(shares.at(-1)).toBe(1);
});

it.each([".index", ".timeindex"])("says that a segment's %s is missing, where it has records", async (suffix) => {
  const fixture = await openFixture({ config: { segmentBytes: batch().length } });
  const log = await openLog(fixture, "some");
  for (let i = 0; i < 2; i++) await append(log, batch());
  await openLog(fixture, "empty");
  await fixture.manager.close();
  expect((await verifyDirectory(fixture.disk, "/data")).damages).toEqual([]);
  const path = `/data/some-0/00000000000000000000${suffix}`;
  await fixture.disk.remove(path);
  await fixture.disk.remove(`/data/empty-0/00000000000000000000${suffix}`).catch(() => {});
  const { damages } = await verifyDirectory(fixture.disk, "/data");
  expect(damages).toEqual([{ path, position: null, problem: "the file is missing, and the segment has records" }]);
});

async function write(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, { create: true });
  await file.truncate(0);
  await file.write([new TextEncoder().encode(text)], 0);
  await file.close();
}

/** What is said of a log of two segments with a record each, once a file of it is other than it was. */
async function problemsAfter(damage: (disk: Disk) => Promise<void>): Promise<string[]> {
  const fixture = await openFixture({ config: { segmentBytes: batch().length } });
  const log = await openLog(fixture, "some");
  for (let i = 0; i < 2; i++) await append(log, batch());
  await fixture.manager.close();
  await damage(fixture.disk);
  const { damages } = await verifyDirectory(fixture.disk, "/data");
  return damages.map(({ path, problem }) => `${path}: ${problem}`);
}

it("says that a segment is gone of which an index is still there", async () => {
  const segment = "/data/some-0/00000000000000000001";
  const problems = await problemsAfter((disk) => disk.remove(`${segment}.log`));
  const expected = [".index", ".timeindex"].map((suffix) => `${segment}${suffix}: its segment's .log is missing`);
  expect(problems.filter((problem) => problem.startsWith("/data/some-0"))).toEqual(expected);
});

it.each([
  ["recovery-point-offset-checkpoint", "0\n1\nsome 0 -1\n", "some-0 is said to reach -1"],
  ["cleaner-offset-checkpoint", "0\n1\nsome 0 3\n", "some-0 is said to reach 3; its log ends at 2"],
  ["some-0/leader-epoch-checkpoint", "0\n3\n0 0\n1 2\n2 3\n", "epoch 2 is said to begin at 3; its log ends at 2"],
  ["cleaner-offset-checkpoint", "nonsense", 'it has a line that does not belong there: "nonsense"'],
])("looks at what %s says", async (name, text, problem) => {
  const path = `/data/${name}`;
  expect(await problemsAfter((disk) => write(disk, path, text))).toEqual([`${path}: ${problem}`]);
});

it("says that a topic id is none", async () => {
  const path = "/data/some-0/partition.metadata";
  const problems = await problemsAfter((disk) => write(disk, path, `version: 0\ntopic_id: ${TOPIC_ID.slice(1)}`));
  expect(problems).toEqual([`${path}: its topic id "${TOPIC_ID.slice(1)}" is none`]);
});
