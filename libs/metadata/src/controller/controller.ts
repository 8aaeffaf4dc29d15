import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { applyRecord, type FreshLists } from "../image/apply-records.ts";
import { recordsOf } from "../image/image-records.ts";
import type { MetadataImage } from "../image/metadata-image.ts";
import { Listeners } from "../log/listeners.ts";
import type { MetadataFollower } from "../log/metadata-follower.ts";
import { type MetadataAppend, type MetadataLog, RECORD_OVERHEAD_BYTES_MAX } from "../log/metadata-log.ts";
import { deserializeRecord, serializeRecord } from "../records/record-serde.ts";
import type { ControllerOperation, ControllerPolicy } from "./controller-state.ts";
import { randomUuid } from "./create-topics.ts";

export interface ControllerOptions {
  readonly brokerId: number;
  readonly log: MetadataLog;
  readonly follower: MetadataFollower;
  /** Asked anew for every operation. */
  readonly policy: () => ControllerPolicy;
  readonly runtime: Runtime;
  /** Bytes of records after which a snapshot is taken (`metadata.log.max.record.bytes.between.snapshots`). */
  readonly snapshotIntervalBytes: number;
}

/** What a request to the controller came to. */
export interface Committed<Response> {
  readonly response: Response;
  /** The image of this broker has all of the operation's records once it has reached this offset. */
  readonly offset: number;
}

interface Pending {
  readonly operation: ControllerOperation<unknown>;
  resolve(committed: Committed<unknown>): void;
  reject(error: unknown): void;
}

interface Decided {
  readonly pending: Pending;
  readonly response: unknown;
}

/** What one operation came to, on the image that the ones before it lead to. */
interface DecidedStep {
  readonly image: MetadataImage;
  readonly records: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly response: unknown;
}

/** What the operations of one append came to. */
interface Decision {
  readonly decided: readonly Decided[];
  readonly records: readonly Uint8Array[];
  readonly sizeBytes: number;
}

/** How long to wait before what has an unknown outcome is repeated. */
const UNKNOWN_RETRY_MS = 100;

/**
 * Runs the controller's operations one after another on the metadata, and appends what they decide. Operations that
 * arrive while an append is under way are decided together and share the next one.
 *
 * Nothing that is undecided shows: an answer goes out when its records are in the log and this broker's image has them.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: Pending[] = [];
  readonly #officeChanged = new Listeners();
  #epoch: number | null = null;
  #running: Promise<void> | null = null;
  #bytesSinceSnapshot = 0;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** The epoch in which this broker is controller, or null. */
  get epoch(): number | null {
    return this.#epoch;
  }

  /** Called when this broker has taken the office or lost it. */
  onOfficeChange(listener: () => void): () => void {
    return this.#officeChanged.add(listener);
  }

  /** Tries to become controller, where this broker is not yet; whether it is now. */
  async takeOffice(): Promise<boolean> {
    try {
      await this.submit(() => ({ records: [], response: undefined }));
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.errno === ErrorCode.NOT_CONTROLLER) return false;
      throw error;
    }
  }

  /** The office is known to be lost: nothing more is decided in its epoch. What was appended stays. */
  stepDown(): void {
    this.#setEpoch(null);
    this.#rejectAll(notController("this broker is not the controller any more"));
  }

  /**
   * Runs an operation and appends its records.
   * @throws KafkaError what the operation throws; NOT_CONTROLLER when another broker has the office
   */
  submit<Response>(operation: ControllerOperation<Response>): Promise<Committed<Response>> {
    if (this.#closed) return Promise.reject(notController("the broker is shutting down"));
    return new Promise<Committed<Response>>((resolve, reject) => {
      this.#queue.push({ operation, resolve: resolve as Pending["resolve"], reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses what is queued, waits for the append under way, and gives up the office, for another broker to take it. */
  async resign(): Promise<void> {
    this.#rejectAll(notController("this broker gives up the office"));
    await this.#running;
    const epoch = this.#epoch;
    this.#setEpoch(null);
    if (epoch !== null) await this.#options.log.election.resign(epoch);
  }

  /** Gives up the office, and takes no operations any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.resign();
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const epoch = await this.#takeOffice();
        await this.#runBatch(epoch);
      }
    } catch (error) {
      this.#setEpoch(null);
      this.#rejectAll(error);
    } finally {
      // In the same turn as the last look at the queue: what is queued from now on begins another run.
      this.#running = null;
    }
  }

  #setEpoch(epoch: number | null): void {
    if (this.#epoch === epoch) return;
    this.#epoch = epoch;
    this.#officeChanged.notify();
  }

  #rejectAll(error: unknown): void {
    for (const pending of this.#queue.splice(0)) pending.reject(error);
  }

  /** Becomes controller where this broker is not yet, and sees all that came before. */
  async #takeOffice(): Promise<number> {
    if (this.#epoch !== null) return this.#epoch;
    const { log, follower, brokerId } = this.#options;
    const outcome = await this.#untilKnown("taking the controller's office", () => log.election.claim(brokerId));
    if (outcome.kind === "lost") throw notController(`broker ${outcome.to.controllerId} is the controller`);
    const head = await log.head();
    await follower.catchUpTo(head.endOffset - 1);
    if (follower.isInTransaction) await this.#abortTransaction(head.endOffset, outcome.controllerEpoch);
    this.#setEpoch(outcome.controllerEpoch);
    return outcome.controllerEpoch;
  }

  /** The controller before this one has left a transaction open: nothing of it takes effect. */
  async #abortTransaction(expectedOffset: number, controllerEpoch: number): Promise<void> {
    const { follower, runtime } = this.#options;
    const records = [serializeRecord({ type: "AbortTransactionRecord", reason: "failover" })];
    const id = randomUuid(runtime.random);
    const endOffset = await this.#append({ id, controllerEpoch, expectedOffset, records });
    await follower.catchUpTo(endOffset - 1);
    runtime.logger.warn("a change of the metadata that the last controller did not end is void", { endOffset });
  }

  async #runBatch(epoch: number): Promise<void> {
    const { follower, runtime } = this.#options;
    const { decided, records, sizeBytes } = this.#decide(follower.image, epoch);
    if (records.length === 0) {
      for (const { pending, response } of decided) pending.resolve({ response, offset: follower.image.offset });
      return;
    }
    try {
      let endOffset = follower.image.offset + 1;
      for (const part of partsOf(records, this.#options.log.appendBytesMax)) {
        const id = randomUuid(runtime.random);
        endOffset = await this.#append({ id, controllerEpoch: epoch, expectedOffset: endOffset, records: part });
      }
      await follower.catchUpTo(endOffset - 1);
      for (const { pending, response } of decided) pending.resolve({ response, offset: endOffset - 1 });
      await this.#maybeSnapshot(sizeBytes);
    } catch (error) {
      for (const { pending } of decided) pending.reject(error);
      throw error;
    }
  }

  /** Runs queued operations in order, each on the image that the ones before it lead to, until an append is full. */
  #decide(committed: MetadataImage, epoch: number): Decision {
    const { log } = this.#options;
    const decided: Decided[] = [];
    const records: Uint8Array[] = [];
    let image = committed;
    let sizeBytes = 0;
    while (this.#queue.length > 0) {
      const pending = this.#queue[0]!;
      const step = this.#decideOne(pending, image, epoch);
      if (step !== null && records.length > 0 && sizeBytes + step.sizeBytes > log.appendBytesMax) break;
      this.#queue.shift();
      if (step === null) continue;
      image = step.image;
      for (const record of step.records) records.push(record);
      sizeBytes += step.sizeBytes;
      decided.push({ pending, response: step.response });
    }
    return { decided, records, sizeBytes };
  }

  /**
   * What the operation decides on this image, and the image that it leads to; null when it threw, or what it decided
   * cannot be written or replayed: its caller has been told, and nothing of it is kept.
   */
  #decideOne(pending: Pending, image: MetadataImage, epoch: number): DecidedStep | null {
    const { policy, runtime, log } = this.#options;
    try {
      const state = { image, nextOffset: image.offset + 1, policy: policy(), random: runtime.random };
      const { records: decided, response, isAtomic = true } = pending.operation(state);
      const records = withinAppends(decided.map(serializeRecord), isAtomic, log.appendBytesMax);
      const sizeBytes = appendBytesOf(records);
      const fresh: FreshLists = new Set();
      const next = records.reduce(
        (before, record) => applyRecord(before, deserializeRecord(record), before.offset + 1, epoch, fresh),
        image,
      );
      return { image: next, records, sizeBytes, response };
    } catch (error) {
      pending.reject(error);
      return null;
    }
  }

  /** Appends, and repeats the append until its outcome is known: the records are in the log exactly once, or never. */
  async #append(append: MetadataAppend): Promise<number> {
    const outcome = await this.#untilKnown("appending to the metadata log", () => this.#options.log.append(append));
    if (outcome.kind === "done") return outcome.endOffset;
    throw notController("another broker has become controller");
  }

  /** Repeats what may or may not have been done, until it is known. */
  async #untilKnown<Outcome extends { readonly kind: string }>(
    what: string,
    operation: () => Promise<Outcome>,
  ): Promise<Exclude<Outcome, UnknownOutcome>> {
    for (;;) {
      const outcome: Outcome | UnknownOutcome = await operation();
      if (!isUnknown(outcome)) return outcome as Exclude<Outcome, UnknownOutcome>;
      if (this.#closed) throw notController("the broker is shutting down");
      this.#options.runtime.logger.warn(`${what} failed, trying again`, { err: outcome.cause });
      await this.#delay(UNKNOWN_RETRY_MS);
    }
  }

  #delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.runtime.timers.schedule(delayMs, resolve));
  }

  async #maybeSnapshot(appendedBytes: number): Promise<void> {
    this.#bytesSinceSnapshot += appendedBytes;
    if (this.#bytesSinceSnapshot < this.#options.snapshotIntervalBytes) return;
    this.#bytesSinceSnapshot = 0;
    const { log, follower } = this.#options;
    const { image } = follower;
    try {
      await log.storeSnapshot({
        endOffset: image.offset + 1,
        epoch: image.epoch,
        records: recordsOf(image).map(serializeRecord),
      });
    } catch (error) {
      this.#options.runtime.logger.warn("no snapshot of the metadata could be taken", { err: error });
    }
  }
}

/**
 * The records as they are to be written: as a transaction, where they belong together and one append cannot hold them.
 * @throws KafkaError POLICY_VIOLATION where an append cannot hold one of them
 */
function withinAppends(records: Uint8Array[], isAtomic: boolean, appendBytesMax: number): Uint8Array[] {
  if (records.some((record) => appendBytesOf([record]) > appendBytesMax)) throw operationTooLarge();
  if (!isAtomic || appendBytesOf(records) <= appendBytesMax) return records;
  return [
    serializeRecord({ type: "BeginTransactionRecord" }),
    ...records,
    serializeRecord({ type: "EndTransactionRecord" }),
  ];
}

/** How much of `appendBytesMax` these records take. */
function appendBytesOf(records: readonly Uint8Array[]): number {
  return records.reduce((sum, record) => sum + record.length + RECORD_OVERHEAD_BYTES_MAX, 0);
}

/** Records in order, as many together as fit an append: one part, unless they are of one large operation. */
function partsOf(records: readonly Uint8Array[], appendBytesMax: number): Uint8Array[][] {
  const parts: Uint8Array[][] = [[]];
  let sizeBytes = 0;
  for (const record of records) {
    const recordBytes = appendBytesOf([record]);
    if (sizeBytes > 0 && sizeBytes + recordBytes > appendBytesMax) {
      parts.push([]);
      sizeBytes = 0;
    }
    parts.at(-1)!.push(record);
    sizeBytes += recordBytes;
  }
  return parts;
}

/** In Kafka's words. */
function operationTooLarge(): KafkaError {
  return KafkaError.fromCode(ErrorCode.POLICY_VIOLATION, "Unable to perform excessively large batch operation.");
}

interface UnknownOutcome {
  readonly kind: "unknown";
  readonly cause: unknown;
}

function isUnknown(outcome: { readonly kind: string }): outcome is UnknownOutcome {
  return outcome.kind === "unknown";
}

function notController(why: string): KafkaError {
  return KafkaError.fromCode(ErrorCode.NOT_CONTROLLER, why);
}
