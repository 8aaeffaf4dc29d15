import { ErrorCode } from "@ottla/protocol";
import type { TransactionRecord } from "../records/transaction-record.ts";
import type { Moment } from "../shard/step.ts";
import type { Reply, Ticket } from "../shard/ticket.ts";
import type { Transaction } from "./transaction.ts";
import type { TransactionMetadata } from "./transaction-metadata.ts";
import type { WriteMarkers } from "./transaction-requests.ts";
import type { TransactionState } from "./transaction-state.ts";

/** A record under way, and what follows when its fate is known. */
export interface Transition {
  readonly transaction: Transaction;
  /** Null when the id goes away. */
  readonly next: TransactionMetadata | null;
  /** Tells whoever waits; called once, when the record is committed, refused, or not committed in time. */
  answer: ((step: TransactionStep, errorCode: number) => void) | null;
  /** Goes on from the new state. */
  readonly committed?: ((step: TransactionStep) => void) | undefined;
  /** Makes up for a record that was refused. */
  readonly failed?: ((step: TransactionStep) => void) | undefined;
}

/** One step of the transaction coordinator: the time it happens at, and what comes out of it. */
export class TransactionStep {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly records: TransactionRecord[] = [];
  readonly replies: Reply[] = [];
  readonly effects: WriteMarkers[] = [];
  readonly transitions: Transition[] = [];
  private readonly transactionVersion: number;

  constructor({ wallMs, monotonicMs }: Moment, transactionVersion: number) {
    this.wallMs = wallMs;
    this.monotonicMs = monotonicMs;
    this.transactionVersion = transactionVersion;
  }

  /** Answers at once: nothing uncommitted is told. */
  reply<Response>(ticket: Ticket<Response>, response: Response): void {
    this.replies.push({ ticket: ticket as Ticket<unknown>, response });
  }

  /** Writes what the transaction becomes; it becomes so when that is committed. */
  transition(
    transaction: Transaction,
    next: TransactionMetadata,
    then: Pick<Transition, "answer" | "committed" | "failed">,
  ): void {
    transaction.beginTransition(next.state);
    this.write(transaction, next, then);
  }

  /** Takes the transactional id out of the log. */
  remove(transaction: Transaction, committed: (step: TransactionStep) => void): void {
    const dead: TransactionState = "Dead";
    transaction.beginTransition(dead);
    this.write(transaction, null, { answer: null, committed });
  }

  private write(
    transaction: Transaction,
    next: TransactionMetadata | null,
    then: Pick<Transition, "answer" | "committed" | "failed">,
  ): void {
    const { transactionalId } = transaction;
    this.records.push({ transactionalId, metadata: next, transactionVersion: this.transactionVersion });
    this.transitions.push({ transaction, next, ...then });
  }
}

/** The record is committed: the transaction is what it says. */
export function commitTransition(step: TransactionStep, transition: Transition): void {
  const { transaction, next } = transition;
  if (next !== null) transaction.completeTransition(next);
  tell(step, transition, ErrorCode.NONE);
  transition.committed?.(step);
}

/** The record was refused, or lost: the transaction is what it was. */
export function failTransition(step: TransactionStep, transition: Transition, errorCode: number): void {
  transition.transaction.abandonTransition();
  tell(step, transition, errorCode);
  transition.failed?.(step);
}

/** Tells whoever waits, unless somebody has. */
export function tell(step: TransactionStep, transition: Transition, errorCode: number): void {
  transition.answer?.(step, errorCode);
  transition.answer = null;
}
