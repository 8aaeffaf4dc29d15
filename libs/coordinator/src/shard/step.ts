import type { GroupRecord } from "../records/group-record.ts";
import type { MarkerToWrite, TransactionalProducer } from "./coordinator-shard.ts";
import type { Reply, Ticket } from "./ticket.ts";

/** What is to happen once the records of a step are committed, or turn out never to be. */
export interface CommitHook<ShardRecord = GroupRecord> {
  committed(step: Step<ShardRecord>): void;
  /**
   * The records were refused or lost, and what their replay did has been taken back; or they were not committed in
   * time, and may yet be. `errorCode` is what a client is to be told.
   */
  failed(step: Step<ShardRecord>, errorCode: number): void;
}

/** The part of a step that takes answers, whatever its records. */
type Replies = Pick<Step<unknown>, "reply">;

/** Somebody waits for an answer, which is ready but for the commit. */
export class ReplyHook<Response> implements CommitHook<unknown> {
  private readonly ticket: Ticket<Response>;
  private readonly response: Response;
  private readonly failure: (errorCode: number) => Response;

  constructor(ticket: Ticket<Response>, response: Response, failure: (errorCode: number) => Response) {
    this.ticket = ticket;
    this.response = response;
    this.failure = failure;
  }

  committed(step: Replies): void {
    step.reply(this.ticket, this.response);
  }

  failed(step: Replies, errorCode: number): void {
    step.reply(this.ticket, this.failure(errorCode));
  }
}

/** Somebody has changed nothing, and waits to be told of what others have changed. */
export class ReadHook<Response> extends ReplyHook<Response> {}

/** A point in time. */
export interface Moment {
  /** By the wall clock, which may jump: for timestamps that are stored. */
  readonly wallMs: number;
  /** By a clock that only goes forward: for deadlines. */
  readonly monotonicMs: number;
}

/**
 * One step of the state machine: the time it happens at, and what comes out of it. Answers in `replies` depend on no
 * uncommitted record; those that do wait in a hook.
 */
export class Step<ShardRecord = GroupRecord> {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly records: ShardRecord[] = [];
  /** The transaction that the records of this step are part of, all of them. */
  transaction: TransactionalProducer | null = null;
  /** A marker that this step appends, and no records besides. */
  marker: MarkerToWrite | null = null;
  readonly replies: Reply[] = [];
  readonly hooks: CommitHook<ShardRecord>[] = [];
  private readonly replay: (record: ShardRecord) => void;

  /** @param replay takes in a record as it is appended */
  constructor({ wallMs, monotonicMs }: Moment, replay: (record: ShardRecord) => void = () => {}) {
    this.wallMs = wallMs;
    this.monotonicMs = monotonicMs;
    this.replay = replay;
  }

  /** Appends a record. It is replayed at once: what comes next in this step builds on it. */
  append(record: ShardRecord): void {
    this.records.push(record);
    this.replay(record);
  }

  /** Answers at once. */
  reply<Response>(ticket: Ticket<Response>, response: Response): void {
    this.replies.push({ ticket: ticket as Ticket<unknown>, response });
  }

  /**
   * Answers when everything this shard has appended so far, this step included, is committed: for answers that tell
   * of state which replay has changed. `failure` makes the answer for records that were not committed.
   */
  replyWhenCommitted<Response>(
    ticket: Ticket<Response>,
    response: Response,
    failure: (errorCode: number) => Response,
  ): void {
    this.whenCommitted(new ReplyHook(ticket, response, failure));
  }

  /** {@link replyWhenCommitted} for what only reads: answered also while nothing can be committed, if after a while. */
  tellWhenCommitted<Response>(
    ticket: Ticket<Response>,
    response: Response,
    failure: (errorCode: number) => Response,
  ): void {
    this.whenCommitted(new ReadHook(ticket, response, failure));
  }

  /** Answers at once, unless this step has appended records: then when those are committed. */
  replyAfterOwnRecords<Response>(
    ticket: Ticket<Response>,
    response: Response,
    failure: (errorCode: number) => Response,
  ): void {
    if (!this.appends) this.reply(ticket, response);
    else this.replyWhenCommitted(ticket, response, failure);
  }

  /** Whether this step changes the log. */
  get appends(): boolean {
    return this.records.length > 0 || this.marker !== null;
  }

  whenCommitted(hook: CommitHook<ShardRecord>): void {
    this.hooks.push(hook);
  }
}
