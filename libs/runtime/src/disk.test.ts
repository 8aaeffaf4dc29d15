import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Disk, DiskErrorCode } from "./disk.ts";
import { createMemoryDisk } from "./memory-disk.ts";
import { createNodeDisk } from "./node/node-disk.ts";
import { createSimulatedDisk } from "./simulated-disk/simulated-disk.ts";
import { createSimulatedRuntime } from "./simulated-runtime.ts";

/** The contract of the disk port: every adapter passes these. */
const adapters: [string, () => Disk][] = [
  ["memory", () => createMemoryDisk()],
  ["node", () => createNodeDisk(temporaryDirectory())],
  ["simulation", () => createSimulatedDisk({ ...createSimulatedRuntime(1), faults: { shortWrite: 0.5 } })],
];

const temporaryDirectories: string[] = [];

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ottla-disk-"));
  temporaryDirectories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of temporaryDirectories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);

async function writeFile(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, { create: true });
  try {
    await file.write([bytes(content)], 0);
  } finally {
    await file.close();
  }
}

async function names(disk: Disk, directory: string): Promise<string[]> {
  return (await disk.list(directory)).map((entry) => entry.name).sort();
}

async function expectDiskError(operation: Promise<unknown>, code: DiskErrorCode): Promise<void> {
  await expect(operation).rejects.toMatchObject({ name: "DiskError", code });
}

it("tells how much room there is on a real disk", async () => {
  const { totalBytes, usableBytes } = await createNodeDisk(temporaryDirectory()).space!("/");
  expect(usableBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThanOrEqual(usableBytes);
});

describe.each(adapters)("the disk port over %s", (_name, createDisk) => {
  it("opens, writes at positions, and reads back", async () => {
    const disk = createDisk();
    const file = await disk.open("/a", { create: true });
    await file.write([bytes("hello "), bytes("brave "), bytes("world")], 0);
    await file.write([bytes("BRAVE")], 6);
    expect(await file.sizeBytes()).toBe(17);
    const target = new Uint8Array(5);
    expect(await file.read(target, 6)).toBe(5);
    expect(text(target)).toBe("BRAVE");
    expect(file.readSync(target, 12)).toBe(5);
    expect(text(target)).toBe("world");
    await file.sync();
    await file.close();
    expect(text(await disk.readFile("/a"))).toBe("hello BRAVE world");
  });

  it("reads fewer bytes only at the end of the file", async () => {
    const disk = createDisk();
    await writeFile(disk, "/a", "abc");
    const file = await disk.open("/a");
    const target = new Uint8Array(10);
    expect(await file.read(target, 1)).toBe(2);
    expect(file.readSync(target, 2)).toBe(1);
    expect(await file.read(target, 3)).toBe(0);
    expect(await file.read(target, 400)).toBe(0);
    await file.close();
  });

  it("writes more chunks than one gathered write takes, empty ones among them", async () => {
    const disk = createDisk();
    const file = await disk.open("/a", { create: true });
    const chunks = Array.from({ length: 3000 }, (_, i) => bytes(i % 7 === 0 ? "" : `${i},`));
    await file.write(chunks, 0);
    await file.write([], 0);
    await file.write([new Uint8Array(0)], 0);
    await file.close();
    expect(text(await disk.readFile("/a"))).toBe(chunks.map(text).join(""));
  });

  it("does not change the list of chunks it was given", async () => {
    const disk = createDisk();
    const file = await disk.open("/a", { create: true });
    const chunks = [bytes("ab"), bytes("cd")];
    await file.write(chunks, 0);
    expect(chunks.map(text)).toEqual(["ab", "cd"]);
    await file.close();
  });

  it("spans pages: a file of 300,000 bytes written in odd pieces", async () => {
    const disk = createDisk();
    const file = await disk.open("/a", { create: true });
    const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
    for (let at = 0; at < content.length; at += 9_973) await file.write([content.subarray(at, at + 9_973)], at);
    const target = new Uint8Array(200_000);
    expect(await file.read(target, 60_000)).toBe(200_000);
    expect(Buffer.compare(target, content.subarray(60_000, 260_000))).toBe(0);
    await file.close();
    expect(Buffer.compare(await disk.readFile("/a"), content)).toBe(0);
  });

  it("opens a file as an empty one, whether it was there or not", async () => {
    const disk = createDisk();
    await writeFile(disk, "/a", "abc");
    for (const path of ["/a", "/b"]) {
      const file = await disk.open(path, { create: true, truncate: true });
      expect(await file.sizeBytes()).toBe(0);
      await file.close();
    }
    await expectDiskError(disk.open("/c", { truncate: true }), "NOT_FOUND");
  });

  it("truncates, and reads zeros where a later write left a hole", async () => {
    const disk = createDisk();
    await writeFile(disk, "/a", "abcdef");
    const file = await disk.open("/a");
    await file.truncate(2);
    expect(await file.sizeBytes()).toBe(2);
    await file.write([bytes("z")], 5);
    expect(Array.from(await disk.readFile("/a"))).toEqual([97, 98, 0, 0, 0, 122]);
    await file.truncate(8);
    expect(await file.sizeBytes()).toBe(8);
    await file.close();
  });

  it("keeps directories: makes parents, lists, stats, removes with all they hold", async () => {
    const disk = createDisk();
    expect(await disk.makeDirectory("/x/y")).toBe(true);
    expect(await disk.makeDirectory("/x/y")).toBe(false);
    expect(await disk.makeDirectory("/x/z", { durable: false })).toBe(true);
    expect(await disk.makeDirectory("/x/z", { durable: false })).toBe(false);
    await disk.remove("/x/z");
    await writeFile(disk, "/x/y/file", "12345");
    expect(await disk.list("/x")).toEqual([{ name: "y", isDirectory: true }]);
    expect(await disk.list("/x/y")).toEqual([{ name: "file", isDirectory: false }]);
    expect(await disk.stat("/x/y/file")).toMatchObject({ sizeBytes: 5, isDirectory: false });
    expect(await disk.stat("/x/y")).toMatchObject({ isDirectory: true });
    expect(await disk.stat("/nothing")).toBeNull();
    expect(await disk.stat("/x/y/file/below")).toBeNull();
    await disk.syncDirectory("/x");
    await disk.remove("/x");
    await disk.remove("/x");
    expect(await names(disk, "/")).toEqual([]);
  });

  it("makes a directory for all who want it at the same time, and none where there can be none", async () => {
    const disk = createDisk();
    await Promise.all(["/a/b/c", "/a/b/d", "/a/b", "/a/e"].map((path) => disk.makeDirectory(path)));
    expect(await names(disk, "/a/b")).toEqual(["c", "d"]);
    await writeFile(disk, "/file", "1");
    await expect(disk.makeDirectory("/file")).rejects.toMatchObject({ name: "DiskError" });
    await expect(disk.makeDirectory("/file/below")).rejects.toMatchObject({ name: "DiskError" });
  });

  it("renames files over files, and directories", async () => {
    const disk = createDisk();
    await writeFile(disk, "/new", "new");
    await writeFile(disk, "/old", "old");
    await disk.rename("/new", "/old");
    expect(text(await disk.readFile("/old"))).toBe("new");
    await disk.makeDirectory("/topic-0");
    await writeFile(disk, "/topic-0/log", "log");
    await disk.rename("/topic-0", "/topic-0-delete");
    expect(text(await disk.readFile("/topic-0-delete/log"))).toBe("log");
    expect(await names(disk, "/")).toEqual(["old", "topic-0-delete"]);
  });

  it("keeps an open file readable after it was renamed or removed", async () => {
    const disk = createDisk();
    await writeFile(disk, "/a", "content");
    const file = await disk.open("/a");
    await disk.rename("/a", "/b");
    await disk.remove("/b");
    const target = new Uint8Array(7);
    expect(await file.read(target, 0)).toBe(7);
    expect(text(target)).toBe("content");
    await file.close();
    expect(await disk.stat("/b")).toBeNull();
  });

  it("names what went wrong", async () => {
    const disk = createDisk();
    await expectDiskError(disk.open("/absent"), "NOT_FOUND");
    await expectDiskError(disk.open("/absent/file", { create: true }), "NOT_FOUND");
    await expectDiskError(disk.readFile("/absent"), "NOT_FOUND");
    await expectDiskError(disk.list("/absent"), "NOT_FOUND");
    await expectDiskError(disk.rename("/absent", "/b"), "NOT_FOUND");
    await expectDiskError(disk.syncDirectory("/absent"), "NOT_FOUND");
    await expectDiskError(disk.lock("/absent/.lock"), "NOT_FOUND");
    await disk.makeDirectory("/full/child");
    await disk.makeDirectory("/other");
    await expectDiskError(disk.rename("/other", "/full"), "EXISTS");
    await expectDiskError(disk.open("/full"), "IO");
  });

  it("refuses calls on a closed file, and closes once what is in flight is done", async () => {
    const disk = createDisk();
    const file = await disk.open("/a", { create: true });
    const written = file.write([new Uint8Array(100_000).fill(1)], 0);
    const closed = file.close();
    await Promise.all([written, closed, file.close()]);
    await expectDiskError(file.read(new Uint8Array(1), 0), "CLOSED");
    await expectDiskError(file.write([bytes("x")], 0), "CLOSED");
    await expectDiskError(file.sync(), "CLOSED");
    await expectDiskError(file.truncate(0), "CLOSED");
    await expectDiskError(file.sizeBytes(), "CLOSED");
    expect(() => file.readSync(new Uint8Array(1), 0)).toThrow(/closed/);
    expect((await disk.readFile("/a")).length).toBe(100_000);
  });

  it("locks exclusively until the lock is released", async () => {
    const disk = createDisk();
    await disk.makeDirectory("/data");
    const lock = await disk.lock("/data/.lock");
    await expectDiskError(disk.lock("/data/.lock"), "LOCKED");
    const other = await disk.lock("/data/.other");
    await lock.release();
    await lock.release();
    const again = await disk.lock("/data/.lock");
    await expectDiskError(disk.lock("/data/.lock"), "LOCKED");
    await Promise.all([again.release(), other.release()]);
  });

  it("gives the lock to exactly one of many that ask at once", async () => {
    const disk = createDisk();
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => disk.lock("/.lock")));
      const locks = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0]!.release();
    }
  });
});

describe("the memory disk", () => {
  it("counts the memory of its files, and gives it back on truncate and removal", async () => {
    const disk = createMemoryDisk();
    const file = await disk.open("/a", { create: true });
    await file.write([new Uint8Array(200_000)], 0);
    expect(disk.usedBytes).toBeGreaterThanOrEqual(200_000);
    expect(disk.usedBytes).toBeLessThanOrEqual(200_000 + 64 * 1024);
    await file.truncate(10);
    expect(disk.usedBytes).toBeLessThanOrEqual(64 * 1024);
    await disk.remove("/a");
    expect(disk.usedBytes).toBeGreaterThan(0);
    await file.close();
    expect(disk.usedBytes).toBe(0);
  });

  it("gives memory back when a file is replaced by another", async () => {
    const disk = createMemoryDisk();
    await writeFile(disk, "/a", "x".repeat(100_000));
    await writeFile(disk, "/b", "tiny");
    await disk.rename("/b", "/a");
    expect(disk.usedBytes).toBeLessThanOrEqual(256);
  });

  it("keeps a tiny file tiny", async () => {
    const disk = createMemoryDisk();
    for (let i = 0; i < 100; i++) await writeFile(disk, `/${i}`, "checkpoint");
    expect(disk.usedBytes).toBeLessThanOrEqual(100 * 256);
  });

  it("is full at its capacity, and usable again once something was removed", async () => {
    const disk = createMemoryDisk({ capacityBytes: 256 * 1024 });
    await writeFile(disk, "/a", "x".repeat(128 * 1024));
    await expectDiskError(writeFile(disk, "/b", "x".repeat(200 * 1024)), "NO_SPACE");
    await disk.remove("/a");
    await disk.remove("/b");
    await writeFile(disk, "/b", "x".repeat(200 * 1024));
  });
});

describe("the node disk", () => {
  it("does not leave its root", async () => {
    const disk = createNodeDisk(temporaryDirectory());
    await expectDiskError(disk.readFile("/../etc/hostname"), "NOT_FOUND");
    await expectDiskError(disk.readFile("etc"), "NOT_FOUND");
  });
});
