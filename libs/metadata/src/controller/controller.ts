import { ErrorCode, KafkaError } from "@ottla/protocol";
import { inTurns } from "@ottla/runtime/internal";
import { applyRecord, type FreshLists } from "../image/apply-records.ts";
import { EMPTY_IMAGE, type MetadataImage } from "../image/metadata-image.ts";
import { Listeners } from "../log/listeners.ts";
import type { MetadataFollower } from "../log/metadata-follower.ts";
import { type MetadataAppend, RECORD_OVERHEAD_BYTES_MAX } from "../log/metadata-log.ts";
import { RECORDS_A_TURN } from "../log/replay.ts";
import { deserializeRecord, serializeRecord } from "../records/record-serde.ts";
import type { ControllerOperation, ControllerPolicy, ControllerState } from "./controller-state.ts";
import { randomUuid } from "./create-topics.ts";
import { serializing } from "./serializing.ts";
import { SnapshotTaker, type SnapshotTakerOptions } from "./snapshot-taker.ts";

export interface ControllerOptions extends SnapshotTakerOptions {
  readonly brokerId: number;
  readonly follower: MetadataFollower;
  /** Asked anew for every operation. */
  readonly policy: () => ControllerPolicy;
}

/** What a request to the controller came to. */
export interface Committed<Response> {
  readonly response: Response;
  /** The image of this broker has all of the operation's records once it has reached this offset. */
  readonly offset: number;
}

export interface SubmitOptions {
  /**
   * Whether the operation may be answered ahead of what is queued and what is being appended, where it changes nothing: it
   * goes by what the log is known to come to, and waits for no coordination service. Default: false.
   */
  readonly mayOvertake?: boolean;
}

interface Pending {
  readonly operation: ControllerOperation<unknown>;
  resolve(committed: Committed<unknown>): void;
  reject(error: unknown): void;
}

interface Decided {
  readonly pending: Pending;
  readonly response: unknown;
  /** Whether it changes the metadata. */
  readonly isChange: boolean;
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
  /** The metadata with all of it. */
  readonly image: MetadataImage;
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
 * The next operations do not wait for that: a broker that has thousands of logs to open takes seconds to act on what is
 * decided, and who sends it heartbeats meanwhile is alive. What is in the log is what they are decided on.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: Pending[] = [];
  readonly #officeChanged = new Listeners();
  /** Answers that wait for this broker's image. */
  readonly #answering = new Set<Promise<void>>();
  #epoch: number | null = null;
  /** What the log comes to, as of the last append in this epoch. */
  #image: MetadataImage = EMPTY_IMAGE;
  #running: Promise<void> | null = null;
  readonly #snapshots: SnapshotTaker;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#snapshots = new SnapshotTaker(options);
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
   * Runs an operation and appends its records. One that may overtake others may be run twice.
   * @throws KafkaError what the operation throws; NOT_CONTROLLER when another broker has the office
   */
  submit<Response>(
    operation: ControllerOperation<Response>,
    { mayOvertake = false }: SubmitOptions = {},
  ): Promise<Committed<Response>> {
    if (this.#closed) return Promise.reject(notController("the broker is shutting down"));
    const answer = mayOvertake ? this.#answerAhead(operation) : null;
    if (answer !== null) return Promise.resolve(answer);
    return new Promise<Committed<Response>>((resolve, reject) => {
      this.#queue.push({ operation, resolve: resolve as Pending["resolve"], reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses what is queued, waits for what is under way, and gives up the office, for another broker to take it. */
  async resign(): Promise<void> {
    this.#rejectAll(notController("this broker gives up the office"));
    await this.#running;
    await Promise.all(this.#answering);
    await this.#snapshots.settled();
    const epoch = this.#epoch;
    this.#setEpoch(null);
    if (epoch !== null) await this.#options.log.election.resign(epoch);
  }

  /** Gives up the office, and takes no operations any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.resign();
  }

  /** Null where nothing is in the way, or the operation has to wait its turn: it changes something, or is refused. */
  #answerAhead<Response>(operation: ControllerOperation<Response>): Committed<Response> | null {
    if (this.#running === null || this.#epoch === null) return null;
    const image = this.#image;
    try {
      const { records, response } = operation(this.#stateOf(image));
      return records.length === 0 ? { response, offset: image.offset } : null;
    } catch {
      return null;
    }
  }

  #stateOf(image: MetadataImage): ControllerState {
    const { policy, runtime } = this.#options;
    return { image, nextOffset: image.offset + 1, policy: policy(), random: runtime.random };
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
    this.#image = follower.image;
    this.#snapshots.begin(head);
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
    const { decided, image, records, sizeBytes } = await this.#decide(epoch);
    let entries = 0;
    try {
      entries = await this.#appendAll(records, epoch);
    } catch (error) {
      for (const { pending } of decided) pending.reject(error);
      throw error;
    }
    this.#image = image;
    this.#answer(decided, epoch);
    if (entries > 0) this.#snapshots.appended(entries, sizeBytes, image);
  }

  /** Resolves to how many entries it took. */
  async #appendAll(records: readonly Uint8Array[], controllerEpoch: number): Promise<number> {
    if (records.length === 0) return 0;
    const { log, runtime } = this.#options;
    let expectedOffset = this.#image.offset + 1;
    const parts = partsOf(records, log.appendBytesMax);
    for (const part of parts) {
      const id = randomUuid(runtime.random);
      expectedOffset = await this.#append({ id, controllerEpoch, expectedOffset, records: part });
    }
    return parts.length;
  }

  /** Who has changed nothing is answered at once, the others when this broker's image has what they changed. */
  #answer(decided: readonly Decided[], epoch: number): void {
    const { offset } = this.#image;
    const changes = decided.filter(({ isChange }) => isChange);
    for (const { pending, response, isChange } of decided) if (!isChange) pending.resolve({ response, offset });
    if (changes.length === 0) return;
    const answering = this.#options.follower
      .catchUpTo(offset)
      .then(
        () => {
          for (const { pending, response } of changes) pending.resolve({ response, offset });
        },
        (error: unknown) => {
          // Who does not see what becomes of the metadata does not go on deciding.
          if (this.#epoch === epoch) this.#setEpoch(null);
          for (const { pending } of changes) pending.reject(error);
        },
      )
      .finally(() => this.#answering.delete(answering));
    this.#answering.add(answering);
  }

  /** Runs queued operations in order, each on the image that the ones before it lead to, until an append is full. */
  async #decide(epoch: number): Promise<Decision> {
    const { log } = this.#options;
    const decided: Decided[] = [];
    const records: Uint8Array[] = [];
    let image = this.#image;
    let sizeBytes = 0;
    while (this.#queue.length > 0) {
      const pending = this.#queue.shift()!;
      const step = await this.#decideOne(pending, image, epoch);
      if (this.#epoch !== epoch) {
        const lost = notController("this broker is not the controller any more");
        for (const { reject } of [...decided.map((each) => each.pending), pending]) reject(lost);
        throw lost;
      }
      if (step !== null && records.length > 0 && sizeBytes + step.sizeBytes > log.appendBytesMax) {
        this.#queue.unshift(pending);
        break;
      }
      if (step === null) continue;
      image = step.image;
      for (const record of step.records) records.push(record);
      sizeBytes += step.sizeBytes;
      decided.push({ pending, response: step.response, isChange: step.records.length > 0 });
    }
    return { decided, image, records, sizeBytes };
  }

  /**
   * What the operation decides on this image, and the image that it leads to; null when it threw, or what it decided
   * cannot be written or replayed: its caller has been told, and nothing of it is kept.
   */
  async #decideOne(pending: Pending, image: MetadataImage, epoch: number): Promise<DecidedStep | null> {
    const { runtime, log } = this.#options;
    try {
      const { records: decided, response, isAtomic = true } = pending.operation(this.#stateOf(image));
      if (decided.length === 0) return { image, records: [], sizeBytes: 0, response };
      const serialized = await inTurns(serializing(decided), runtime.timers);
      const records = withinAppends(serialized, isAtomic, log.appendBytesMax);
      const next = await inTurns(applying(image, records, epoch), runtime.timers);
      return { image: next, records, sizeBytes: appendBytesOf(records), response };
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
}

/** The image that the records lead to, as whoever reads them will see it. */
function* applying(
  image: MetadataImage,
  records: readonly Uint8Array[],
  epoch: number,
): Generator<void, MetadataImage> {
  const fresh: FreshLists = new Set();
  let next = image;
  for (const [index, record] of records.entries()) {
    if (index > 0 && index % RECORDS_A_TURN === 0) yield;
    next = applyRecord(next, deserializeRecord(record), next.offset + 1, epoch, fresh);
  }
  return next;
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
