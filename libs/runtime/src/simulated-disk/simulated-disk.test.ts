import { describe, expect, it } from "vitest";
import type { Disk, DiskFile } from "../disk.ts";
import { createSimulatedRuntime } from "../simulated-runtime.ts";
import {
  type CrashKind,
  createSimulatedDisk,
  type SimulatedDisk,
  type SimulatedDiskOptions,
} from "./simulated-disk.ts";

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

function newDisk(seed = 1, options: Partial<SimulatedDiskOptions> = {}): SimulatedDisk {
  return createSimulatedDisk({ ...createSimulatedRuntime(seed), ...options });
}

async function create(
  disk: Disk,
  path: string,
  content: string,
  options: { readonly sync: boolean },
): Promise<DiskFile> {
  const file = await disk.open(path, { create: true });
  await file.write([bytes(content)], 0);
  if (options.sync) await file.sync();
  return file;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function read(disk: Disk, path: string): Promise<string | null> {
  if ((await disk.stat(path)) === null) return null;
  return new TextDecoder("latin1").decode(await disk.readFile(path));
}

/** Everything that `scenario` may leave behind, by what `look` finds. */
async function outcomes(
  kind: CrashKind,
  scenario: (disk: SimulatedDisk) => Promise<unknown>,
  look: (disk: Disk) => Promise<unknown>,
): Promise<Set<unknown>> {
  const found = new Set<unknown>();
  for (const seed of SEEDS) {
    const disk = newDisk(seed);
    await scenario(disk);
    found.add(await look(disk.crash(kind)));
  }
  return found;
}

describe("a simulated disk, after a power cut", () => {
  it("has what was synced, with its name", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      await create(disk, "/a", "content", { sync: true });
      await disk.syncDirectory("/");
    };
    expect(await outcomes("power", scenario, (disk) => read(disk, "/a"))).toEqual(new Set(["content"]));
  });

  it("may have lost the name of a file that was synced itself", async () => {
    const scenario = (disk: SimulatedDisk) => create(disk, "/a", "content", { sync: true });
    expect(await outcomes("power", scenario, (disk) => read(disk, "/a"))).toEqual(new Set(["content", null]));
  });

  it("has lost, torn, reordered or filled what was not synced", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      const file = await create(disk, "/a", "base", { sync: true });
      await disk.syncDirectory("/");
      await file.write([bytes("11")], 4);
      await file.write([bytes("22")], 6);
    };
    const found = await outcomes("power", scenario, (disk) => read(disk, "/a"));
    for (const one of ["base", "base1122", "base11", "base\0\x0022", "base1", "base112", "base\0"]) {
      expect(found, JSON.stringify(one)).toContain(one);
    }
    for (const one of found) expect(one).toMatch(/^base/);
  });

  it("may have the old or the new file after a rename, and the new one for sure once its directory is synced", async () => {
    const replace = async (disk: SimulatedDisk) => {
      await create(disk, "/a", "old", { sync: true });
      await disk.syncDirectory("/");
      await create(disk, "/b", "new", { sync: true });
      await disk.rename("/b", "/a");
    };
    expect(await outcomes("power", replace, (disk) => read(disk, "/a"))).toEqual(new Set(["old", "new"]));
    const synced = async (disk: SimulatedDisk) => {
      await replace(disk);
      await disk.syncDirectory("/");
    };
    expect(await outcomes("power", synced, (disk) => read(disk, "/a"))).toEqual(new Set(["new"]));
    expect(await outcomes("power", synced, (disk) => read(disk, "/b"))).toEqual(new Set([null]));
  });

  it("may have a file again that was removed", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      await create(disk, "/a", "x", { sync: true });
      await disk.syncDirectory("/");
      await disk.remove("/a");
    };
    expect(await outcomes("power", scenario, (disk) => read(disk, "/a"))).toEqual(new Set(["x", null]));
  });

  it("has lost what a sync that failed was to save, though a later one succeeds", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      const file = await create(disk, "/a", "", { sync: true });
      await disk.syncDirectory("/");
      await file.write([bytes("lost?")], 0);
      disk.faults.syncError = 1;
      await expect(file.sync()).rejects.toMatchObject({ code: "IO" });
      disk.faults.syncError = 0;
      await file.sync();
    };
    expect([...(await outcomes("power", scenario, (disk) => read(disk, "/a")))]).toEqual(
      expect.arrayContaining(["lost?", "", "\0"]),
    );
  });
});

describe("a simulated disk, after its process was killed", () => {
  it("has everything that was written, and loses it in a power cut later", async () => {
    const scenario = (disk: SimulatedDisk) => create(disk, "/a", "content", { sync: false });
    expect(await outcomes("process", scenario, (disk) => read(disk, "/a"))).toEqual(new Set(["content"]));
    const later = async (disk: Disk) => read((disk as SimulatedDisk).crash("power"), "/a");
    expect(await outcomes("process", scenario, later)).toContain(null);
  });

  it("has any part of the write that was under way", async () => {
    const scenario = async (disk: SimulatedDisk) => {
      const file = await disk.open("/a", { create: true });
      disk.crashAfter(0);
      void file.write([bytes("abc")], 0);
      await disk.stopped;
      expect(disk.stoppedAt).toEqual({ operation: "write", path: "/a" });
    };
    const found = await outcomes("process", scenario, (disk) => read(disk, "/a"));
    expect(found).toEqual(new Set(["", "a", "ab", "abc"]));
  });

  it("takes no write of it, though it comes from what had only waited for time", async () => {
    const disk = newDisk();
    const file = await create(disk, "/a", "before", { sync: false });
    disk.crashAfter(0);
    void file.sync();
    await disk.stopped;
    const next = disk.crash("process");
    // Several, for of a write that is torn nothing may be left.
    for (let left = 20; left > 0; left--) void file.write([bytes("after")], 0);
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(await read(next, "/a")).toBe("before");
  });

  it("settles nothing any more", async () => {
    const disk = newDisk();
    const file = await create(disk, "/a", "x", { sync: true });
    const next = disk.crash("process");
    let settled = false;
    const note = () => {
      settled = true;
    };
    for (const one of [file.write([bytes("y")], 0), file.sync(), disk.stat("/a"), disk.remove("/a")])
      one.then(note, note);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([settled, await read(next, "/a")]).toEqual([false, "x"]);
  });
});

describe("a simulated disk with faults", () => {
  it("leaves part of a write that fails", async () => {
    for (const [fault, code] of [
      ["noSpace", "NO_SPACE"],
      ["writeError", "IO"],
    ] as const) {
      const left = new Set<string | null>();
      for (const seed of SEEDS) {
        const disk = newDisk(seed);
        const file = await disk.open("/a", { create: true });
        disk.faults[fault] = 1;
        await expect(file.write([bytes("ab")], 0)).rejects.toMatchObject({ name: "DiskError", code });
        left.add(await read(disk, "/a"));
      }
      expect(left).toEqual(new Set(["", "a", "ab"]));
    }
  });

  it("writes over what is there when it is full", async () => {
    const disk = newDisk();
    const file = await create(disk, "/a", "abc", { sync: true });
    disk.faults.noSpace = 1;
    await file.write([bytes("xyz")], 0);
    await expect(disk.open("/b", { create: true })).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(await read(disk, "/a")).toBe("xyz");
  });

  it("counts what it did, and does the same again on the same seed", async () => {
    const run = async () => {
      const disk = newDisk(7, { faults: { shortWrite: 0.5, writeError: 0.2, readError: 0.2, nameError: 0.1 } });
      for (let i = 0; i < 50; i++) {
        await create(disk, `/${i % 5}`, `content ${i}`, { sync: i % 3 === 0 }).catch(() => {});
        await disk.readFile(`/${i % 5}`).catch(() => {});
        await disk.rename(`/${i % 5}`, `/${(i * 7) % 5}`).catch(() => {});
      }
      const left = disk.crash("power");
      const contents = await Promise.all(Array.from({ length: 5 }, (_, i) => read(left, `/${i}`).catch(() => "error")));
      return { contents, counts: [...disk.counts].sort() };
    };
    const first = await run();
    expect(await run()).toEqual(first);
    const names = first.counts.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(["shortWrite", "writeError", "readError", "nameError", "write"]));
  });

  it("does not do a removal that it was told to ignore", async () => {
    const disk = newDisk(1, { ignoresRemoval: (path) => path === "/a" });
    for (const path of ["/a", "/b"]) await (await create(disk, path, "x", { sync: false })).close();
    for (const path of ["/a", "/b"]) await disk.remove(path);
    expect([await read(disk, "/a"), await read(disk, "/b")]).toEqual(["x", null]);
  });

  it("does not do a sync that it was told to ignore", async () => {
    const disk = newDisk(1, { ignoresSync: (path) => path === "/a" });
    await create(disk, "/a", "content", { sync: true });
    await create(disk, "/b", "content", { sync: true });
    await disk.syncDirectory("/");
    const found = new Set<string | null>();
    for (let i = 0; i < 50; i++) found.add(await read(disk.crash("power"), "/a"));
    expect(found.size).toBeGreaterThan(1);
    expect(await read(disk.crash("power"), "/b")).toBe("content");
  });
});
