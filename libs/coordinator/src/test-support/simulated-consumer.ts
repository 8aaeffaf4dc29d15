import { ErrorCode } from "@ottla/protocol";
import type { JoinGroupAnswer, SyncGroupAnswer } from "../group-requests.ts";
import { type ShardHarness, type TestTicket, textOf } from "./shard-harness.ts";

export const HEARTBEAT_INTERVAL_MS = 3_000;
export const DYNAMIC_SESSION_TIMEOUT_MS = 8_000;
/** Longer than a rebalance: a static member may be away during one and come back. */
export const STATIC_SESSION_TIMEOUT_MS = 25_000;
export const REBALANCE_TIMEOUT_MS = 12_000;
const BACKOFF_MS = 300;

export type ConsumerState = "unjoined" | "joining" | "syncing" | "stable" | "fenced" | "crashed";

/** What a simulation wants to know of its consumers. */
export interface ConsumerObserver {
  assigned(consumer: SimulatedConsumer): void;
  errorSeen(api: string, errorCode: number): void;
}

/** A consumer as the Java client is one: joins, syncs, sends heartbeats, commits what it owns. */
export class SimulatedConsumer {
  readonly name: string;
  readonly instanceId: string | null;
  state: ConsumerState = "unjoined";
  generationId = -1;
  memberId = "";
  owned: readonly string[] = [];
  /** Since when it has waited for the answer that it waits for. */
  waitingSinceMs = 0;
  pausedUntilMs = 0;
  private joining: TestTicket<JoinGroupAnswer> | null = null;
  private syncing: TestTicket<SyncGroupAnswer> | null = null;
  private nextHeartbeatMs = 0;
  private retryAtMs = 0;
  private readonly harness: ShardHarness;
  private readonly partitions: readonly string[];
  private readonly observer: ConsumerObserver;

  constructor(
    name: string,
    instanceId: string | null,
    world: {
      readonly harness: ShardHarness;
      readonly partitions: readonly string[];
      readonly observer: ConsumerObserver;
    },
  ) {
    this.name = name;
    this.instanceId = instanceId;
    this.harness = world.harness;
    this.partitions = world.partitions;
    this.observer = world.observer;
  }

  get isAlive(): boolean {
    return this.state !== "crashed" && this.state !== "fenced";
  }

  /** Does what is to be done at this moment. */
  act(): void {
    const nowMs = this.harness.monotonicMs;
    if (!this.isAlive || nowMs < this.pausedUntilMs || nowMs < this.retryAtMs) return;
    if (this.state === "unjoined") this.join();
    else if (this.state === "joining") this.onJoined();
    else if (this.state === "syncing") this.onSynced();
    else if (nowMs >= this.nextHeartbeatMs) this.heartbeat();
  }

  /** Dies without a word. */
  crash(): void {
    this.state = "crashed";
    this.owned = [];
  }

  leave(): void {
    if (this.memberId !== "") this.harness.leave([{ memberId: this.memberId, groupInstanceId: this.instanceId }]);
    this.crash();
  }

  /** Its connection breaks. It connects again and goes on under its id. */
  disconnect(): void {
    const waiting = this.state === "joining" ? this.joining : this.state === "syncing" ? this.syncing : null;
    if (waiting === null || waiting.isAnswered) return;
    this.harness.clientGone(waiting);
    this.state = "unjoined";
  }

  /** @returns whether the commit was sent */
  commit(offset: number, done: (errorCode: number) => void): boolean {
    const partition = this.owned[offset % Math.max(this.owned.length, 1)];
    if (this.state !== "stable" || partition === undefined) return false;
    const instance = this.instanceId === null ? {} : { instanceId: this.instanceId };
    const ticket = this.harness.commit(
      { [partition]: offset },
      { memberId: this.memberId, generationId: this.generationId, ...instance },
    );
    ticket.onAnswer(({ topics }) => {
      const { errorCode } = topics[0]!.partitions[0]!;
      this.observer.errorSeen("OffsetCommit", errorCode);
      done(errorCode);
    });
    return true;
  }

  private join(): void {
    this.state = "joining";
    this.waitingSinceMs = this.harness.monotonicMs;
    this.joining = this.harness.join({
      memberId: this.memberId,
      instanceId: this.instanceId,
      sessionTimeoutMs: this.instanceId === null ? DYNAMIC_SESSION_TIMEOUT_MS : STATIC_SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      protocols: [["range", "all"]],
    });
    this.onJoined();
  }

  private onJoined(): void {
    if (!this.joining?.isAnswered) return;
    const { answer } = this.joining;
    this.observer.errorSeen("JoinGroup", answer.errorCode);
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = answer.memberId;
      this.join();
    } else if (answer.errorCode === ErrorCode.NONE) {
      this.memberId = answer.memberId;
      this.generationId = answer.generationId!;
      this.sync(answer);
    } else {
      this.startOver(answer.errorCode);
    }
  }

  private sync(answer: JoinGroupAnswer): void {
    const assignments: Record<string, string> = {};
    if (answer.leader === this.memberId && answer.skipAssignment !== true) {
      const members = answer.members.map(({ memberId }) => memberId);
      members.forEach((memberId, index) => {
        assignments[memberId] = this.partitions.filter((_, at) => at % members.length === index).join(" ");
      });
    }
    this.state = "syncing";
    this.waitingSinceMs = this.harness.monotonicMs;
    const instance = this.instanceId === null ? {} : { instanceId: this.instanceId };
    this.syncing = this.harness.sync(this.memberId, this.generationId, assignments, instance);
    this.onSynced();
  }

  private onSynced(): void {
    if (!this.syncing?.isAnswered) return;
    const { errorCode, assignment } = this.syncing.answer;
    this.observer.errorSeen("SyncGroup", errorCode);
    if (errorCode !== ErrorCode.NONE) {
      this.startOver(errorCode);
      return;
    }
    this.owned = textOf(assignment)
      .split(" ")
      .filter((partition) => partition !== "");
    this.state = "stable";
    this.nextHeartbeatMs = this.harness.monotonicMs + HEARTBEAT_INTERVAL_MS;
    this.observer.assigned(this);
  }

  private heartbeat(): void {
    this.nextHeartbeatMs = this.harness.monotonicMs + HEARTBEAT_INTERVAL_MS;
    const errorCode = this.harness.heartbeat(this.memberId, this.generationId, "group", this.instanceId);
    this.observer.errorSeen("Heartbeat", errorCode);
    if (errorCode !== ErrorCode.NONE) this.startOver(errorCode);
  }

  /** Gives up what it owns and joins again: under its id, anew, or not at all. */
  private startOver(errorCode: number): void {
    this.owned = [];
    this.state = "unjoined";
    if (errorCode === ErrorCode.FENCED_INSTANCE_ID) this.state = "fenced";
    if (errorCode === ErrorCode.GROUP_MAX_SIZE_REACHED) this.state = "crashed";
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) this.memberId = "";
    const mayJoinAtOnce = errorCode === ErrorCode.REBALANCE_IN_PROGRESS || errorCode === ErrorCode.UNKNOWN_MEMBER_ID;
    this.retryAtMs = this.harness.monotonicMs + (mayJoinAtOnce ? 0 : BACKOFF_MS);
  }
}
