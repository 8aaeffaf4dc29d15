import { type TroubleMonitor, toKafkaError } from "@ottla/client/internal";
import { KafkaError } from "@ottla/protocol";
import type { Runtime } from "@ottla/runtime";
import { ListenerScope } from "#listener-scope";
import type { GroupMetadata, MemberAssignment } from "../assignors/assignor.ts";
import type { ConsumerEventHub } from "../events.ts";
import type { Commits } from "../offsets/commits.ts";
import type { AssignedPartitions } from "../partitions/assigned-partitions.ts";
import type { PartitionState } from "../partitions/partition-state.ts";
import type { Delivery } from "../reading/delivery.ts";
import type { RebalanceListener } from "../rebalance-listener.ts";
import type { TopicPartition } from "../topic-partition.ts";
import type { GroupMember, GroupMemberHost } from "./member.ts";
import type { GiveUpScope, MembershipState } from "./membership.ts";
import type { Subscription } from "./subscription.ts";

/** The parts of a consumer that a rebalance has to do with. */
export interface GroupSessionParts<K, V> {
  readonly runtime: Runtime;
  readonly partitions: AssignedPartitions<K, V>;
  readonly delivery: Delivery<K, V>;
  readonly commits: Commits<K, V>;
  readonly events: ConsumerEventHub;
  readonly troubles: TroubleMonitor;
  readonly autoCommit: boolean;
  readonly commitTimeoutMs: number;
  /** Positions are to be found, and fetching to go on. */
  onAssigned(): void;
  onTransition(to: MembershipState): void;
  onEnd(error: KafkaError | null): void;
}

/** A consumer's side of its membership: takes partitions over and gives them up, and tells the user. */
export class GroupSession<K, V> implements GroupMemberHost {
  readonly #parts: GroupSessionParts<K, V>;
  #subscription: Subscription | undefined;
  #listener: RebalanceListener = {};
  #isClosing = false;
  #isHanging = false;
  /** Whether it is the listener that calls: what waits for it must not be waited for there. */
  readonly listenerScope = new ListenerScope();
  /** Set right after construction: the member needs this session first. */
  member: GroupMember | undefined;

  constructor(parts: GroupSessionParts<K, V>) {
    this.#parts = parts;
  }

  /** What to read, and who wants to know of rebalances. */
  subscribe(subscription: Subscription, listener: RebalanceListener): void {
    this.#subscription = subscription;
    this.#listener = listener;
  }

  /** The handler keeps what it was handed for too long. */
  onHang(): void {
    this.#isHanging = true;
    this.member?.suspend();
  }

  /** Rebalances do not wait for the handler any more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.member?.close();
  }

  get subscription(): Subscription {
    return this.#subscription!;
  }

  owned(): readonly TopicPartition[] {
    return this.#parts.partitions.list();
  }

  async giveUp(how: "revoke" | "lose", what: GiveUpScope, signal: AbortSignal): Promise<void> {
    const { delivery } = this.#parts;
    const states = this.#statesOf(what);
    delivery.holdBack(states);
    if (how === "revoke" && !this.#isClosing) await delivery.whenIdle(signal, states);
    const isExpelled = this.member!.isExpelled;
    if (!isExpelled) await this.#commitProcessed();
    if (states.length === 0 && what !== "all") return;
    if (isExpelled || this.#isHanging || how === "lose") await this.#lose(states);
    else await this.#revoke(states);
  }

  #statesOf(what: GiveUpScope): PartitionState<K, V>[] {
    const { partitions } = this.#parts;
    if (what === "all") return [...partitions];
    if (what === "unsubscribed") return [...partitions].filter(({ topic }) => !this.subscription.includes(topic));
    return what.flatMap((partition) => partitions.get(partition) ?? []);
  }

  async #commitProcessed(): Promise<void> {
    const { commits, autoCommit, commitTimeoutMs } = this.#parts;
    if (autoCommit) await commits.commitProcessed(commitTimeoutMs);
  }

  async #revoke(states: readonly PartitionState<K, V>[]): Promise<void> {
    const { partitions, events } = this.#parts;
    const revoked = states.map(({ topic, partition }) => ({ topic, partition }));
    await this.#tell("onRevoked", revoked);
    partitions.remove(revoked);
    events.emit("revoked", { partitions: revoked });
  }

  async #lose(states: readonly PartitionState<K, V>[]): Promise<void> {
    const { partitions, events } = this.#parts;
    const lost = states.map(({ topic, partition }) => ({ topic, partition }));
    partitions.remove(lost);
    await this.#tell("onLost", lost);
    events.emit("lost", { partitions: lost });
  }

  /** Partitions that stay are read all the while; new ones when the listener has had its say. */
  async adopt(assignment: MemberAssignment, { generationId }: GroupMetadata): Promise<void> {
    const { partitions, events, delivery } = this.#parts;
    const states = partitions.replace(assignment.partitions);
    delivery.holdBack(states);
    const added = states.map(({ topic, partition }) => ({ topic, partition }));
    await this.#tell("onAssigned", added);
    delivery.release(states);
    events.emit("assigned", { partitions: added, generationId });
    this.#parts.onAssigned();
  }

  async handlerBack(signal: AbortSignal): Promise<void> {
    await this.#parts.delivery.whenIdle(signal);
    this.#isHanging = false;
  }

  onTransition(from: MembershipState, to: MembershipState, reason: string): void {
    this.#parts.runtime.logger.info("group membership", { from, to, reason });
    this.#parts.events.emit("membership", { from, to, reason });
    this.#parts.onTransition(to);
  }

  onTrouble(operation: string, error: KafkaError): void {
    this.#parts.troubles.report(operation, error);
  }

  onRecovered(operation: string): void {
    this.#parts.troubles.recovered(operation);
  }

  onEnd(error: KafkaError | null): void {
    this.#parts.onEnd(error);
  }

  async #tell(what: keyof RebalanceListener, partitions: readonly TopicPartition[]): Promise<void> {
    try {
      await this.listenerScope.run(() => this.#listener[what]?.(partitions));
    } catch (cause) {
      const message = `The listener's ${what} failed: ${toKafkaError(cause).message}`;
      this.#parts.delivery.raise(new KafkaError(message, { code: "REBALANCE_LISTENER_FAILED", cause }));
    }
  }
}
