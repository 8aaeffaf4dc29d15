import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { applyRecord } from "../image/apply-records.ts";
import { recordsOf } from "../image/image-records.ts";
import type { MetadataImage } from "../image/metadata-image.ts";
import type { MetadataFollower } from "../log/metadata-follower.ts";
import type { MetadataAppend, MetadataLog } from "../log/metadata-log.ts";
import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { asWritten, serializeRecord } from "../records/record-serde.ts";
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

  /**
   * Runs an operation and appends its records.
   * @throws KafkaError what the operation throws; NOT_CONTROLLER when another broker has the office
   */
  submit<Response>(operation: ControllerOperation<Response>): Promise<Committed<Response>> {
    if (this.#closed) return Promise.reject(notController("the broker is shutting down"));
    return new Promise<Committed<Response>>((resolve, reject) => {
      this.#queue.push({ operation, resolve: resolve as Pending["resolve"], reject });
      this.#running ??= this.#run().finally(() => {
        this.#running = null;
      });
    });
  }

  /** Refuses what is queued, waits for the append under way, and gives up the office. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#rejectAll(notController("the broker is shutting down"));
    await this.#running;
    if (this.#epoch !== null) await this.#options.log.election.resign(this.#epoch);
    this.#epoch = null;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const epoch = await this.#takeOffice();
        await this.#runBatch(epoch, this.#queue.splice(0));
      }
    } catch (error) {
      this.#epoch = null;
      this.#rejectAll(error);
    }
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
    this.#epoch = outcome.controllerEpoch;
    return outcome.controllerEpoch;
  }

  async #runBatch(epoch: number, batch: readonly Pending[]): Promise<void> {
    const { follower, log } = this.#options;
    const { decided, records } = this.#decide(follower.image, epoch, batch);
    if (records.length === 0) {
      for (const { pending, response } of decided) pending.resolve({ response, offset: follower.image.offset });
      return;
    }
    try {
      const endOffset = await this.#append({
        id: randomUuid(this.#options.runtime.random),
        controllerEpoch: epoch,
        expectedOffset: follower.image.offset + 1,
        records,
      });
      await follower.catchUpTo(endOffset - 1);
      for (const { pending, response } of decided) pending.resolve({ response, offset: endOffset - 1 });
      await this.#maybeSnapshot(log, records);
    } catch (error) {
      for (const { pending } of decided) pending.reject(error);
      throw error;
    }
  }

  /**
   * Runs the operations in order, each on the image that the ones before it lead to. Those that one append cannot hold
   * any more go back into the queue.
   */
  #decide(
    committed: MetadataImage,
    epoch: number,
    batch: readonly Pending[],
  ): { readonly decided: readonly Decided[]; readonly records: readonly NewMetadataRecord[] } {
    const { policy, runtime, log } = this.#options;
    const decided: Decided[] = [];
    const records: NewMetadataRecord[] = [];
    let image = committed;
    let leftBytes = log.appendBytesMax;
    for (const [index, pending] of batch.entries()) {
      try {
        const nextOffset = image.offset + 1;
        const result = pending.operation({ image, nextOffset, policy: policy(), random: runtime.random });
        const sizeBytes = appendBytesOf(result.records);
        if (sizeBytes > log.appendBytesMax) throw operationTooLarge();
        if (sizeBytes > leftBytes) {
          this.#queue.unshift(...batch.slice(index));
          break;
        }
        leftBytes -= sizeBytes;
        image = result.records.reduce(
          (before, record) => applyRecord(before, asWritten(record), before.offset + 1, epoch),
          image,
        );
        records.push(...result.records);
        decided.push({ pending, response: result.response });
      } catch (error) {
        pending.reject(error);
      }
    }
    return { decided, records };
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

  async #maybeSnapshot(log: MetadataLog, records: readonly NewMetadataRecord[]): Promise<void> {
    for (const record of records) this.#bytesSinceSnapshot += serializeRecord(record).length;
    if (this.#bytesSinceSnapshot < this.#options.snapshotIntervalBytes) return;
    this.#bytesSinceSnapshot = 0;
    const { image } = this.#options.follower;
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

/** What a record takes in a batch besides its value, at the most; a batch's own header is no more than that. */
const RECORD_OVERHEAD_BYTES_MAX = 64;

/** How large an append of these records is at the most. */
function appendBytesOf(records: readonly NewMetadataRecord[]): number {
  return records.reduce((sum, record) => sum + serializeRecord(record).length + RECORD_OVERHEAD_BYTES_MAX, 0);
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
