import { ErrorCode } from "@ottla/protocol";
import type { Logger, Random } from "@ottla/runtime";
import { onGroupLoaded } from "./classic/classic-deadlines.ts";
import { ClassicGroup } from "./classic/classic-group.ts";
import { deleteGroup, discardIfUnused, isUnused } from "./classic/delete-group.ts";
import { dismissWaiting } from "./classic/rebalance.ts";
import { replayConsumerRecord } from "./consumer/consumer-records.ts";
import { startDeadlines } from "./consumer/deadlines.ts";
import type { GroupConfig } from "./group-config.ts";
import type { GroupRequest } from "./group-requests.ts";
import { GroupRegistry } from "./groups.ts";
import { GroupOffsets, NO_PRODUCER_ID } from "./offsets/group-offsets.ts";
import { expireOffsets } from "./offsets/offset-expiry.ts";
import type { GroupRecord } from "./records/group-record.ts";
import { coordinatorError } from "./shard/append-error.ts";
import type { CoordinatorContext } from "./shard/coordinator-context.ts";
import type { CoordinatorShard, StepResult } from "./shard/coordinator-shard.ts";
import type { DeadlineSubject, ShardDeadline } from "./shard/deadline-subject.ts";
import { Deadline, DeadlineQueue } from "./shard/deadlines.ts";
import { dispatch, onGroupDeadline } from "./shard/dispatch.ts";
import { Journal } from "./shard/journal.ts";
import { PendingWrites } from "./shard/pending-writes.ts";
import { type Moment, ReadHook, ReplyHook, Step } from "./shard/step.ts";
import type { Reply } from "./shard/ticket.ts";

import { emptyTopicCatalog, type TopicCatalog } from "./topic-catalog.ts";

export interface GroupCoordinatorShardOptions {
  readonly config: GroupConfig;
  /** For member ids. */
  readonly random: Random;
  readonly logger: Logger;
  /** What the topics of the cluster are, for groups of the consumer protocol. */
  readonly topics?: TopicCatalog;
  /** Whether records that are in the log can be committed as things stand. Default: they can. */
  readonly canCommit?: () => boolean;
}

export type GroupStepResult = StepResult<GroupRecord>;

/** Records that one sweep writes at the most, about; the next sweep goes on from there. */
const SWEEP_RECORDS_MAX = 5_000;
const NEXT_SWEEP_DELAY_MS = 100;

/**
 * The coordinator of the groups in one partition of `__consumer_offsets`, in one leader epoch: a deterministic state
 * machine. Requests, records from the log, time and the fate of its own records go in; records and answers come out.
 *
 * First the log is replayed ({@link replay}), then {@link finishLoading} is called, and from then on every event is a
 * step. A step's records are replayed as it ends, so that the next step builds on them; answers that tell of them
 * wait until the runner reports them {@link committed}. When they are reported {@link appendFailed}, their replay is
 * taken back. See docs/decisions/0012-group-state-and-its-log.md.
 */
export class GroupCoordinatorShard implements CoordinatorShard<GroupRequest, GroupRecord> {
  private readonly journal = new Journal();
  private readonly writes = new PendingWrites();
  private readonly context: CoordinatorContext;
  private readonly canCommit: () => boolean;
  private readonly sweepDeadline: ShardDeadline = new Deadline({ type: "expirySweep" });
  private readonly commitDeadline: ShardDeadline = new Deadline({ type: "commitTimeout" });
  private isLoading = true;
  /** Where the journal was before the first record of the step under way; null while there is none. */
  private stepPosition: number | null = null;

  constructor(options: GroupCoordinatorShardOptions) {
    const { config, random, logger, topics = emptyTopicCatalog, canCommit = () => true } = options;
    this.canCommit = canCommit;
    this.context = {
      config,
      random,
      logger,
      deadlines: new DeadlineQueue<DeadlineSubject>(),
      groups: new GroupRegistry(),
      offsets: new GroupOffsets(this.journal),
      topics,
    };
  }

  /** When {@link tick} is to be called, by the monotonic clock; infinite for never. */
  get nextDeadlineMs(): number {
    return this.context.deadlines.nextDueMs;
  }

  /** Groups that this shard knows. */
  get groupCount(): number {
    return this.context.groups.size;
  }

  /** Takes in a record of the log, while loading. `producerId` is -1 outside transactions. */
  replay(record: GroupRecord, producerId: number = NO_PRODUCER_ID): void {
    if (record.type === "offsetCommit") this.replayOffset(record, producerId);
    else if (record.type === "groupMetadata") this.replayGroupMetadata(record);
    else replayConsumerRecord(this.context, this.journal, record);
  }

  /** Takes in a transaction marker of the log, while loading. */
  replayEndTransaction(producerId: number, outcome: "commit" | "abort"): void {
    this.context.offsets.replayEndTransaction(producerId, outcome);
  }

  private replayOffset({ key, value }: Extract<GroupRecord, { type: "offsetCommit" }>, producerId: number): void {
    const { offsets } = this.context;
    if (value === null) {
      offsets.replayTombstone(key);
      return;
    }
    this.replayGroupOfOffset(key.group, value.commitTimestamp);
    offsets.replayCommit(key, value, producerId);
  }

  /** Offsets may be all that the log has of a group. */
  private replayGroupOfOffset(groupId: string, commitTimestampMs: number): void {
    const group = this.context.groups.getOrCreate(groupId, commitTimestampMs);
    if (group.type === "consumer" || group.isInLog) return;
    group.isInLog = true;
    this.journal.record(() => {
      group.isInLog = false;
      discardIfUnused(this.context, group);
    });
  }

  /**
   * Of a group that is in use, memory knows more than the log does; what a record of it changes, it changes when it
   * is committed (see the hooks in classic/). So this is for loading.
   */
  private replayGroupMetadata({ key, value }: Extract<GroupRecord, { type: "groupMetadata" }>): void {
    if (!this.isLoading) return;
    if (value !== null) this.context.groups.put(ClassicGroup.fromRecord(key.group, value));
    else if (this.context.groups.classic(key.group) !== undefined) this.context.groups.remove(key.group);
  }

  /** The log has been replayed to its end. All of it counts as committed. */
  finishLoading(now: Moment): GroupStepResult {
    return this.run(now, (step) => {
      this.isLoading = false;
      this.journal.open();
      this.findLostGroups(now.wallMs);
      for (const group of this.context.groups.values()) {
        if (group.type === "classic") onGroupLoaded(this.context, step, group);
        else startDeadlines(this.context, step, group);
      }
      this.context.deadlines.schedule(
        this.sweepDeadline,
        now.monotonicMs + this.context.config.offsetsRetentionCheckIntervalMs,
      );
    });
  }

  /** A group may have been deleted while a simple consumer went on to commit offsets in its name. */
  private findLostGroups(wallMs: number): void {
    for (const groupId of this.context.offsets.groupIds()) {
      const group = this.context.groups.getOrCreate(groupId, wallMs);
      if (group.type === "classic") group.isInLog = true;
    }
  }

  /** Something has happened. */
  handle(request: GroupRequest, now: Moment): GroupStepResult {
    return this.run(now, (step) => dispatch(this.context, step, request));
  }

  /** Time has passed. */
  tick(now: Moment): GroupStepResult {
    return this.run(now, (step) => {
      for (;;) {
        const due = this.context.deadlines.takeDue(now.monotonicMs);
        if (due === undefined) return;
        this.onDeadline(step, due.subject);
      }
    });
  }

  /** The records of every write up to `writeId` are committed. */
  committed(writeId: number, now: Moment): GroupStepResult {
    return this.run(now, (step) => {
      const done = this.writes.takeUpTo(writeId);
      this.journal.forgetUpTo(this.writes.oldest?.journalPosition ?? this.journal.position);
      for (const { hooks } of done) for (const { hook } of hooks) hook.committed(step);
    });
  }

  /** The records of `writeId` and of every write after it are not in the log, and will not be. */
  appendFailed(writeId: number, appendError: number, now: Moment): GroupStepResult {
    return this.run(now, (step) => {
      const failed = this.writes.takeFrom(writeId);
      if (failed.length === 0) return;
      this.journal.rollBackTo(failed[0]!.journalPosition);
      const errorCode = coordinatorError(appendError);
      for (const { hooks } of failed) for (const { hook } of hooks) hook.failed(step, errorCode);
      // Members that were taken out are back, and have to be missed once more.
      for (const group of this.context.groups.values()) {
        if (group.type === "consumer") startDeadlines(this.context, step, group);
      }
    });
  }

  /** This broker coordinates the partition no longer: whoever waits is sent to look for the one that does. */
  unload(now: Moment): readonly Reply[] {
    const step = new Step(now);
    for (const { hooks } of this.writes.takeFrom(0)) {
      for (const { hook } of hooks) if (hook instanceof ReplyHook) hook.failed(step, ErrorCode.NOT_COORDINATOR);
    }
    for (const group of this.context.groups.values()) {
      if (group.type === "classic") dismissWaiting(step, group, ErrorCode.NOT_COORDINATOR);
    }
    return step.replies;
  }

  private run(now: Moment, action: (step: Step) => void): GroupStepResult {
    this.stepPosition = null;
    const step = new Step<GroupRecord>(now, (record) => {
      this.stepPosition ??= this.journal.position;
      this.replay(record, step.transaction?.producerId);
    });
    try {
      action(step);
      this.settleHooks(step);
    } catch (error) {
      // None of its records is handed out, so none may count.
      if (this.stepPosition !== null) this.journal.rollBackTo(this.stepPosition);
      throw error;
    }
    const write = this.takeRecords(step);
    this.watchCommits();
    const { records, transaction, marker, replies } = step;
    return { records, transaction, marker, writeId: write, replies };
  }

  /** A step without records has nothing to wait for but the writes before it. */
  private settleHooks(step: Step): void {
    while (!step.appends && step.hooks.length > 0) {
      const hooks = step.hooks.splice(0);
      const before = this.writes.newest;
      if (before === undefined) for (const hook of hooks) hook.committed(step);
      else for (const hook of hooks) before.hooks.push({ hook, sinceMs: step.monotonicMs });
    }
  }

  private takeRecords(step: Step): number | null {
    if (!step.appends) return null;
    const write = this.writes.add(this.stepPosition ?? this.journal.position);
    if (step.marker !== null) this.replayEndTransaction(step.marker.producerId, step.marker.outcome);
    for (const hook of step.hooks) write.hooks.push({ hook, sinceMs: step.monotonicMs });
    return write.writeId;
  }

  private watchCommits(): void {
    const { deadlines, config } = this.context;
    deadlines.schedule(this.commitDeadline, this.writes.waitingSinceMs + config.offsetsCommitTimeoutMs);
  }

  private onDeadline(step: Step, subject: DeadlineSubject): void {
    if (subject.type === "expirySweep") this.sweep(step);
    else if (subject.type === "commitTimeout") this.onCommitTimeout(step);
    else onGroupDeadline(this.context, step, subject);
  }

  /** Takes away expired offsets, and empty groups that have none left. */
  private sweep(step: Step): void {
    const { groups, deadlines, config } = this.context;
    let nextSweepMs = config.offsetsRetentionCheckIntervalMs;
    for (const group of groups.values()) {
      if (step.records.length >= SWEEP_RECORDS_MAX) {
        nextSweepMs = NEXT_SWEEP_DELAY_MS;
        break;
      }
      const hasNoOffsets = expireOffsets(this.context, step, group);
      if (hasNoOffsets && isUnused(group)) deleteGroup(this.context, step, group);
    }
    deadlines.schedule(this.sweepDeadline, step.monotonicMs + nextSweepMs);
  }

  /**
   * The records may yet be committed, but nobody is left waiting for that. Who only reads is told what the log has, where
   * nothing can be committed: whoever loads it now would tell the same.
   */
  private onCommitTimeout(step: Step): void {
    const { config, logger } = this.context;
    const hooks = this.writes.takeHooksSince(step.monotonicMs - config.offsetsCommitTimeoutMs);
    if (hooks.length > 0) logger.warn("records of groups are not committed in time", { waiting: hooks.length });
    const mayTell = !this.canCommit();
    for (const hook of hooks) {
      if (mayTell && hook instanceof ReadHook) hook.committed(step);
      else hook.failed(step, coordinatorError(ErrorCode.REQUEST_TIMED_OUT));
    }
  }
}
