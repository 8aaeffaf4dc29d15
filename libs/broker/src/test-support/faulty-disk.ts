import {
  createMemoryDisk,
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type OpenOptions,
} from "@ottla/runtime";

export type DiskAction =
  | "open"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "list";

/** What becomes of an operation: an error's code, a promise to wait for first, or null to let it happen. */
export type DiskFault = (action: DiskAction, path: string) => DiskErrorCode | Promise<void> | null;

/** A disk whose operations fail or hang when a test says so. */
export class FaultyDisk implements Disk {
  fault: DiskFault = () => null;
  readonly #disk: Disk;

  constructor(disk: Disk = createMemoryDisk()) {
    this.#disk = disk;
  }

  /** Everything on it fails from now on. */
  break(code: DiskErrorCode = "IO"): void {
    this.fault = () => code;
  }

  repair(): void {
    this.fault = () => null;
  }

  async open(path: string, options?: OpenOptions): Promise<DiskFile> {
    await this.before("open", path);
    return this.#faulty(await this.#disk.open(path, options));
  }

  async readFile(path: string) {
    await this.before("read", path);
    return await this.#disk.readFile(path);
  }

  async list(directory: string) {
    await this.before("list", directory);
    return await this.#disk.list(directory);
  }

  async stat(path: string) {
    await this.before("list", path);
    return await this.#disk.stat(path);
  }

  async makeDirectory(path: string, options?: { readonly durable: boolean }) {
    await this.before("open", path);
    return await this.#disk.makeDirectory(path, options);
  }

  async rename(from: string, to: string) {
    await this.before("rename", from);
    await this.#disk.rename(from, to);
  }

  async remove(path: string) {
    await this.before("remove", path);
    await this.#disk.remove(path);
  }

  async syncDirectory(path: string) {
    await this.before("syncDirectory", path);
    await this.#disk.syncDirectory(path);
  }

  lock(path: string) {
    return this.#disk.lock(path);
  }

  async before(action: DiskAction, path: string): Promise<void> {
    const fault = this.fault(action, path);
    if (typeof fault === "string") throw new DiskError(fault, path, `${action} of ${path} fails on purpose`);
    await fault;
  }

  #faulty(file: DiskFile): DiskFile {
    const { path } = file;
    return {
      path,
      read: async (target, position) => {
        await this.before("read", path);
        return await file.read(target, position);
      },
      readSync: (target, position) => file.readSync(target, position),
      write: async (chunks, position) => {
        await this.before("write", path);
        await file.write(chunks, position);
      },
      sync: async () => {
        await this.before("sync", path);
        await file.sync();
      },
      truncate: async (sizeBytes) => {
        await this.before("truncate", path);
        await file.truncate(sizeBytes);
      },
      sizeBytes: () => file.sizeBytes(),
      close: () => file.close(),
    };
  }
}

/** Lets operations wait until the test opens it. */
export class DiskGate {
  readonly passed: Promise<void>;
  open!: () => void;
  /** How many operations have come to it. */
  waiting = 0;

  constructor() {
    this.passed = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  wait(): Promise<void> {
    this.waiting++;
    return this.passed;
  }
}
