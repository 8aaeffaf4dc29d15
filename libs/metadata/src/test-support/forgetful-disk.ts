import {
  createMemoryDisk,
  type Disk,
  type DiskEntry,
  type DiskFile,
  type DiskLock,
  type DiskStat,
  type OpenOptions,
} from "@ottla/runtime";

/** A disk that keeps, through a power failure, what was synced and nothing else. */
export class ForgetfulDisk implements Disk {
  readonly #disk: Disk;
  /** Content of each file when it was last synced. */
  readonly #synced = new Map<string, Uint8Array>();

  constructor(disk: Disk = createMemoryDisk()) {
    this.#disk = disk;
  }

  /** The disk as it is after a power failure. */
  async afterPowerFailure(): Promise<ForgetfulDisk> {
    const disk = createMemoryDisk();
    for (const [path, content] of this.#synced) {
      await disk.makeDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
      const file = await disk.open(path, { create: true });
      await file.write([content], 0);
      await file.close();
    }
    const survivor = new ForgetfulDisk(disk);
    for (const [path, content] of this.#synced) survivor.#synced.set(path, content);
    return survivor;
  }

  async open(path: string, options?: OpenOptions): Promise<DiskFile> {
    const file = await this.#disk.open(path, options);
    return {
      path,
      read: (target, position) => file.read(target, position),
      readSync: (target, position) => file.readSync(target, position),
      write: (chunks, position) => file.write(chunks, position),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      sizeBytes: () => file.sizeBytes(),
      close: () => file.close(),
      sync: async () => {
        await file.sync();
        this.#synced.set(path, (await this.#disk.readFile(path)).slice());
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#disk.rename(from, to);
    for (const [path, content] of [...this.#synced]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#synced.delete(path);
      this.#synced.set(to + path.slice(from.length), content);
    }
  }

  async remove(path: string): Promise<void> {
    await this.#disk.remove(path);
    for (const known of [...this.#synced.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) this.#synced.delete(known);
    }
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#disk.readFile(path);
  }

  list(directory: string): Promise<DiskEntry[]> {
    return this.#disk.list(directory);
  }

  stat(path: string): Promise<DiskStat | null> {
    return this.#disk.stat(path);
  }

  makeDirectory(path: string, options?: { readonly durable: boolean }): Promise<boolean> {
    return this.#disk.makeDirectory(path, options);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#disk.syncDirectory(path);
  }

  lock(path: string): Promise<DiskLock> {
    return this.#disk.lock(path);
  }
}
