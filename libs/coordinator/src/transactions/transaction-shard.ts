import { ErrorCode } from "@ottla/protocol";
import type { Logger } from "@ottla/runtime";
import type { TransactionRecord } from "../records/transaction-record.ts";
import { coordinatorError } from "../shard/append-error.ts";
import type { CoordinatorShard, StepResult } from "../shard/coordinator-shard.ts";
import { Deadline, DeadlineQueue } from "../shard/deadlines.ts";
import type { Moment } from "../shard/step.ts";
import type { Reply } from "../shard/ticket.ts";
import { addPartitions, verifyPartitions } from "./add-partitions.ts";
import { describeTransaction, listTransactions } from "./describe-transactions.ts";
import { endTransaction } from "./end-transaction.ts";
import { initProducerId } from "./init-producer-id.ts";
import { markersAnswered, sendMarkers } from "./markers.ts";
import { abortTimedOut, removeExpired } from "./timeouts.ts";
import { Transaction, type TransactionDeadline } from "./transaction.ts";
import type { TransactionConfig } from "./transaction-config.ts";
import type { TransactionContext } from "./transaction-context.ts";
import type { TransactionMetadata } from "./transaction-metadata.ts";
import type { TransactionRequest, WriteMarkers } from "./transaction-requests.ts";
import { isPrepared } from "./transaction-state.ts";
import { commitTransition, failTransition, TransactionStep, type Transition, tell } from "./transaction-step.ts";

export interface TransactionCoordinatorShardOptions {
  readonly config: TransactionConfig;
  /** The leader epoch of the partition. */
  readonly coordinatorEpoch: number;
  readonly logger: Logger;
}

export type TransactionStepResult = StepResult<TransactionRecord, WriteMarkers>;

/** The records of one step, under way. */
interface PendingWrite {
  readonly writeId: number;
  readonly sinceMs: number;
  readonly transitions: readonly Transition[];
}

type Handlers = {
  readonly [Type in TransactionRequest["type"]]: (
    context: TransactionContext,
    step: TransactionStep,
    request: Extract<TransactionRequest, { type: Type }>,
  ) => void;
};

const handlers: Handlers = {
  initProducerId,
  addPartitions,
  verifyPartitions,
  endTransaction,
  describeTransaction,
  listTransactions,
  markersAnswered,
};

/**
 * The coordinator of the transactional ids in one partition of `__transaction_state`, in one leader epoch: a
 * deterministic state machine. See docs/decisions/0060-a-transaction-changes-when-its-record-is-committed.md.
 */
export class TransactionCoordinatorShard
  implements CoordinatorShard<TransactionRequest, TransactionRecord, WriteMarkers>
{
  private readonly context: TransactionContext;
  private readonly abortTimedOutDeadline = new Deadline<TransactionDeadline>({ type: "abortTimedOut" });
  private readonly removeExpiredDeadline = new Deadline<TransactionDeadline>({ type: "removeExpired" });
  private readonly commitDeadline = new Deadline<TransactionDeadline>({ type: "commitTimeout" });
  private writes: PendingWrite[] = [];
  private lastWriteId = 0;

  constructor({ config, coordinatorEpoch, logger }: TransactionCoordinatorShardOptions) {
    this.context = {
      config,
      logger,
      coordinatorEpoch,
      deadlines: new DeadlineQueue<TransactionDeadline>(),
      transactions: new Map(),
      ongoing: new Set(),
    };
  }

  get nextDeadlineMs(): number {
    return this.context.deadlines.nextDueMs;
  }

  /** Transactional ids that this shard knows. */
  get transactionCount(): number {
    return this.context.transactions.size;
  }

  /** Takes in a record of the log, while loading. */
  replay(transactionalId: string, metadata: TransactionMetadata | null): void {
    const { transactions } = this.context;
    if (metadata === null) transactions.delete(transactionalId);
    else transactions.set(transactionalId, new Transaction(metadata));
  }

  /** What was decided when the log ended is carried out: the markers of those transactions may not be written. */
  finishLoading(now: Moment): TransactionStepResult {
    return this.run(now, (step) => {
      const { transactions, ongoing, deadlines, config } = this.context;
      for (const transaction of transactions.values()) {
        if (transaction.metadata.state === "Ongoing") ongoing.add(transaction);
        if (!isPrepared(transaction.metadata.state)) continue;
        transaction.expectMarkers();
        sendMarkers(this.context, step, transaction);
      }
      deadlines.schedule(this.abortTimedOutDeadline, now.monotonicMs + config.abortTimedOutIntervalMs);
      deadlines.schedule(this.removeExpiredDeadline, now.monotonicMs + config.removeExpiredIntervalMs);
    });
  }

  handle<R extends TransactionRequest>(request: R, now: Moment): TransactionStepResult {
    const handler = handlers[request.type] as (context: TransactionContext, step: TransactionStep, request: R) => void;
    return this.run(now, (step) => handler(this.context, step, request));
  }

  tick(now: Moment): TransactionStepResult {
    return this.run(now, (step) => {
      for (;;) {
        const due = this.context.deadlines.takeDue(now.monotonicMs);
        if (due === undefined) return;
        this.onDeadline(step, due.subject);
      }
    });
  }

  committed(writeId: number, now: Moment): TransactionStepResult {
    return this.run(now, (step) => {
      const done = this.writes.filter((write) => write.writeId <= writeId);
      this.writes = this.writes.slice(done.length);
      for (const { transitions } of done) for (const transition of transitions) commitTransition(step, transition);
    });
  }

  appendFailed(writeId: number, appendError: number, now: Moment): TransactionStepResult {
    return this.run(now, (step) => {
      const failed = this.writes.filter((write) => write.writeId >= writeId);
      this.writes = this.writes.slice(0, this.writes.length - failed.length);
      const errorCode = coordinatorError(appendError);
      for (const { transitions } of failed) {
        for (const transition of transitions) failTransition(step, transition, errorCode);
      }
    });
  }

  unload(now: Moment): readonly Reply[] {
    const step = this.newStep(now);
    for (const { transitions } of this.writes) {
      for (const transition of transitions) tell(step, transition, ErrorCode.NOT_COORDINATOR);
    }
    this.writes = [];
    return step.replies;
  }

  private newStep(now: Moment): TransactionStep {
    return new TransactionStep(now, this.context.config.transactionVersion);
  }

  private run(now: Moment, action: (step: TransactionStep) => void): TransactionStepResult {
    const step = this.newStep(now);
    action(step);
    const { records, replies, effects, transitions } = step;
    const writeId = records.length === 0 ? null : ++this.lastWriteId;
    if (writeId !== null) this.writes.push({ writeId, sinceMs: now.monotonicMs, transitions });
    this.watchCommits();
    return { records, writeId, replies, effects };
  }

  private watchCommits(): void {
    const { deadlines, config } = this.context;
    const oldest = this.writes.find(({ transitions }) => transitions.some(({ answer }) => answer !== null));
    if (oldest === undefined) deadlines.cancel(this.commitDeadline);
    else deadlines.schedule(this.commitDeadline, oldest.sinceMs + config.commitTimeoutMs);
  }

  private onDeadline(step: TransactionStep, subject: TransactionDeadline): void {
    const { context } = this;
    const { deadlines } = context;
    switch (subject.type) {
      case "abortTimedOut":
        deadlines.schedule(this.abortTimedOutDeadline, step.monotonicMs + abortTimedOut(context, step));
        break;
      case "removeExpired":
        deadlines.schedule(this.removeExpiredDeadline, step.monotonicMs + removeExpired(context, step));
        break;
      case "commitTimeout":
        this.onCommitTimeout(step);
        break;
      case "retryEnd": {
        const transaction = context.transactions.get(subject.transactionalId);
        if (transaction !== undefined) sendMarkers(context, step, transaction);
      }
    }
  }

  /** The records may yet be committed, and their transactions stay as they are; but nobody is left waiting. */
  private onCommitTimeout(step: TransactionStep): void {
    const { config, logger } = this.context;
    const late = this.writes.filter(({ sinceMs }) => sinceMs <= step.monotonicMs - config.commitTimeoutMs);
    if (late.length > 0) logger.warn("records of transactions are not committed in time", { writes: late.length });
    const errorCode = coordinatorError(ErrorCode.REQUEST_TIMED_OUT);
    for (const { transitions } of late) for (const transition of transitions) tell(step, transition, errorCode);
  }
}
