import type { Runtime, Timer } from "@ottla/runtime";
import { inTurns } from "@ottla/runtime/internal";
import { SharedRun } from "@ottla/storage/internal";
import { EMPTY_IMAGE, type MetadataImage } from "../image/metadata-image.ts";
import type { MetadataLog } from "./metadata-log.ts";
import { committedImage, NOTHING_REPLAYED, type Replay, replayingEntry, replayingSnapshot } from "./replay.ts";

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
  /** What has been read; ahead of the image while a transaction is open. */
  #replay: Replay = NOTHING_REPLAYED;
  /** The image that listeners are being told of. */
  #coming: MetadataImage | null = null;
  /** Those who ask meanwhile wait for the next one, not for all that may come to be read by then. */
  readonly #readingOn = new SharedRun(() => this.#readOn());
  #failure: unknown = null;
  #unsubscribe: () => void = () => {};
  #recheckTimer: Timer | null = null;
  #stopped = false;
  /** What was last said of the log being unreadable; null while it is readable. */
  #lastComplaint: string | null = null;

  constructor(log: MetadataLog, runtime: Pick<Runtime, "timers" | "logger">) {
    this.#log = log;
    this.#runtime = runtime;
  }

  /** The metadata as far as this broker has acted on it. */
  get image(): MetadataImage {
    return this.#image;
  }

  /** Whether the log, as far as it has been read, ends within a transaction. The image does not show it. */
  get isInTransaction(): boolean {
    return this.#replay.before !== null;
  }

  /** Adds a listener. Those that come first are told first. */
  addListener(listener: ImageListener): void {
    this.#listeners.push(listener);
  }

  /** Reads what there is and tells nobody of it: that is left to {@link start}. For what has to be known before. */
  async load(): Promise<MetadataImage> {
    this.#replay = await this.#readToHead();
    return committedImage(this.#replay);
  }

  /** Loads what there is, then follows. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#log.onHeadMoved(() => this.#follow());
    await this.catchUp();
    this.#planRecheck();
  }

  /** Reads on until the head, as of some moment after this call, is reached. */
  catchUp(): Promise<void> {
    return this.#readingOn.run();
  }

  /**
   * Reads on until the record at `offset`, which is known to be in the log, has been read. The image has it then, unless
   * the log ends within a transaction.
   */
  async catchUpTo(offset: number): Promise<MetadataImage> {
    await this.catchUp();
    while (this.#replay.image.offset < offset && !this.#stopped) {
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
    this.catchUp().then(
      () => {
        if (this.#lastComplaint !== null) this.#runtime.logger.info("the metadata log can be followed again");
        this.#lastComplaint = null;
      },
      (error) => this.#complain(error),
    );
  }

  /** It is looked at every second, and stays as it is until somebody mends it: said once, and when it is another thing. */
  #complain(error: unknown): void {
    const complaint = String(error);
    if (complaint === this.#lastComplaint || this.#stopped) return;
    this.#lastComplaint = complaint;
    this.#runtime.logger.error("the metadata log cannot be followed", { err: error });
  }

  #planRecheck(): void {
    this.#recheckTimer = this.#runtime.timers.schedule(RECHECK_INTERVAL_MS, () => {
      this.#follow();
      this.#planRecheck();
    });
  }

  async #readOn(): Promise<void> {
    try {
      // What has come while listeners were told may have come without a hint, so that is looked for, once: who waits
      // for this does not wait for all that may yet come.
      if ((await this.#step()) && (await this.#step()) && !this.#stopped) this.#follow();
      // What was amiss has been mended: whoever waits from now on waits for what comes.
      if (!this.#stopped) this.#failure = null;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /**
   * Reads on to the head, and only then tells of it: what was true in between, above all at the start, must have no effect
   * (a partition may have left this broker and come back since). What an open transaction has brought so far waits
   * for its end. Whether there was anything to tell.
   */
  async #step(): Promise<boolean> {
    const next = await this.#readToHead();
    const image = committedImage(next);
    if (next === this.#replay && image === this.#image) return false;
    if (image !== this.#image) await this.#publish(image);
    this.#replay = next;
    return true;
  }

  async #readToHead(): Promise<Replay> {
    let next = this.#replay;
    for (let after = await this.#read(next); after !== next; after = await this.#read(next)) next = after;
    return next;
  }

  /** The state after one more read of the log; the same one where that brought nothing. */
  async #read(replay: Replay): Promise<Replay> {
    const nextOffset = replay.image.offset + 1;
    const slice = await this.#log.read(nextOffset);
    if (slice.kind === "entries") {
      let state = replay;
      for (const entry of slice.entries) state = await inTurns(replayingEntry(state, entry), this.#runtime.timers);
      return state;
    }
    const snapshot = await this.#log.loadSnapshot();
    if (snapshot === null || snapshot.endOffset <= nextOffset) {
      throw new Error(
        `the metadata log begins at ${slice.logStartOffset}, and there is no snapshot of what came before`,
      );
    }
    return await inTurns(replayingSnapshot(snapshot), this.#runtime.timers);
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
