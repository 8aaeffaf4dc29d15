import type { Runtime, Timer } from "@ottla/runtime";
import { applyRecord } from "../image/apply-records.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../image/metadata-image.ts";
import { deserializeRecord } from "../records/record-serde.ts";
import type { MetadataEntry, MetadataLog, MetadataSnapshot } from "./metadata-log.ts";

/** Told of every new image, in order. The next one comes when the promise settles. */
export type ImageListener = (previous: MetadataImage, next: MetadataImage) => void | Promise<void>;

interface Waiter {
  readonly offset: number;
  resolve(image: MetadataImage): void;
  reject(error: unknown): void;
}

/** How often the log is looked at although no hint has come: hints may be lost. */
const RECHECK_INTERVAL_MS = 1000;
/** How soon the log is read again that has to have more than it showed: a lagging server answered. */
const STALE_READ_RETRY_MS = 10;

/**
 * Replays the metadata log into an image, on every broker alike, and hands each new image to its listeners.
 *
 * `image` moves only after all listeners have taken the new one, so what it shows is there: the logs of its partitions
 * are open.
 */
export class MetadataFollower {
  readonly #log: MetadataLog;
  readonly #runtime: Pick<Runtime, "timers" | "logger">;
  readonly #listeners: ImageListener[] = [];
  readonly #waiters = new Set<Waiter>();
  #image: MetadataImage = EMPTY_IMAGE;
  /** The image that listeners are being told of. */
  #coming: MetadataImage | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #failure: unknown = null;
  #unsubscribe: () => void = () => {};
  #recheckTimer: Timer | null = null;
  #stopped = false;

  constructor(log: MetadataLog, runtime: Pick<Runtime, "timers" | "logger">) {
    this.#log = log;
    this.#runtime = runtime;
  }

  /** The metadata as far as this broker has acted on it. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** Adds a listener. Those that come first are told first. */
  addListener(listener: ImageListener): void {
    this.#listeners.push(listener);
  }

  /** Loads what there is, then follows. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#log.onHeadMoved(() => this.#follow());
    await this.catchUp();
    this.#planRecheck();
  }

  /** Reads on until the head, as of some moment after this call, is reached. */
  catchUp(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Reads on until the record at `offset`, which is known to be in the log, is in the image. */
  async catchUpTo(offset: number): Promise<MetadataImage> {
    await this.catchUp();
    while (this.#image.offset < offset && !this.#stopped) {
      await new Promise<void>((resolve) => void this.#runtime.timers.schedule(STALE_READ_RETRY_MS, resolve));
      await this.catchUp();
    }
    return this.#image;
  }

  /** Resolves to the first image that has the record at `offset`. */
  waitFor(offset: number): Promise<MetadataImage> {
    if (this.#image.offset >= offset) return Promise.resolve(this.#image);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiters.add({ offset, resolve, reject });
    });
  }

  /**
   * Resolves when `image` shows all that listeners have been told of: whoever acts on what a listener brought, and looks
   * at the image for the rest, waits for this.
   */
  async published(): Promise<void> {
    if (this.#coming !== null) await this.waitFor(this.#coming.offset);
  }

  stop(): void {
    this.#stopped = true;
    this.#recheckTimer?.cancel();
    this.#unsubscribe();
    this.#fail(new Error("the metadata is not followed any more"));
  }

  #follow(): void {
    this.catchUp().catch((error) => {
      this.#runtime.logger.error("the metadata log cannot be followed", { err: error });
    });
  }

  #planRecheck(): void {
    this.#recheckTimer = this.#runtime.timers.schedule(RECHECK_INTERVAL_MS, () => {
      this.#follow();
      this.#planRecheck();
    });
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        while (await this.#step());
      }
      // What was amiss has been mended: whoever waits from now on waits for what comes.
      if (!this.#stopped) this.#failure = null;
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      // In the same turn as the last look at `#again`: who asks from now on is not told of this run.
      this.#running = null;
    }
  }

  /**
   * Reads on to the head, and only then tells of it: what was true in between, above all at the start, must have no effect
   * (a partition may have left this broker and come back since). Whether there was anything to read.
   */
  async #step(): Promise<boolean> {
    let next = this.#image;
    for (let after = await this.#read(next); after !== next; after = await this.#read(next)) next = after;
    if (next === this.#image) return false;
    await this.#publish(next);
    return true;
  }

  /** The image after one more read of the log; the same one where that brought nothing. */
  async #read(image: MetadataImage): Promise<MetadataImage> {
    const slice = await this.#log.read(image.offset + 1);
    if (slice.kind === "entries") return slice.entries.reduce(applyEntry, image);
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot === null || snapshot.endOffset <= image.offset + 1) {
      throw new Error(
        `the metadata log begins at ${slice.logStartOffset}, and there is no snapshot of what came before`,
      );
    }
    return imageOfSnapshot(snapshot);
  }

  async #publish(next: MetadataImage): Promise<void> {
    this.#coming = next;
    for (const listener of this.#listeners) await listener(this.#image, next);
    this.#image = next;
    this.#coming = null;
    for (const waiter of this.#waiters) {
      if (waiter.offset > next.offset) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(next);
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}

/** The image after one entry of the log. */
export function applyEntry(image: MetadataImage, entry: MetadataEntry): MetadataImage {
  const after = entry.records.reduce(
    (before, record, index) => applyRecord(before, deserializeRecord(record), entry.baseOffset + index, entry.epoch),
    image,
  );
  return { ...after, offset: entry.endOffset - 1, epoch: entry.epoch };
}

/** The image that a snapshot holds. */
export function imageOfSnapshot(snapshot: MetadataSnapshot): MetadataImage {
  const offset = snapshot.endOffset - 1;
  const image = snapshot.records.reduce(
    (before, record) => applyRecord(before, deserializeRecord(record), offset, snapshot.epoch),
    EMPTY_IMAGE,
  );
  return { ...image, offset, epoch: snapshot.epoch };
}
