import { type ClusterClient, isRetriable, sleep } from "@ottla/client/internal";
import {
  type ApiDefinition,
  ErrorCode,
  errorByCode,
  type JoinGroupResponse,
  joinGroupApi,
  KafkaError,
  leaveGroupApi,
  type RequestInput,
  type ResponseOf,
  syncGroupApi,
} from "@ottla/protocol";
import type { MemberAssignment, MemberSubscription } from "../assignors/assignor.ts";
import type { TopicPartition } from "../topic-partition.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "./consumer-protocol.ts";
import { leaveGroup } from "./leave-group.ts";
import type { GroupMemberOptions, RequestListener } from "./member.ts";
import type { GroupAssignment, JoinedGroup, MemberIdentity, StepOutcome } from "./membership.ts";

const OPERATION = "joining the group";
const PROTOCOL_TYPE = "consumer";

/** A JoinGroup or SyncGroup is answered when all members are there: it may take the rebalance timeout and a bit. */
const REBALANCE_GRACE_MS = 5_000;

/**
 * JoinGroup, SyncGroup and LeaveGroup. Failures that may heal (no connection, a coordinator that moved or is loading)
 * are tried again for as long as it takes; other error codes are for the membership to judge.
 */
export class GroupRequests {
  readonly #client: ClusterClient;
  readonly #options: GroupMemberOptions;
  readonly #listener: RequestListener;

  constructor(client: ClusterClient, options: GroupMemberOptions, listener: RequestListener) {
    this.#client = client;
    this.#options = options;
    this.#listener = listener;
  }

  /** @throws KafkaError what the coordinator refuses with, or `ABORTED` */
  async join(
    identity: MemberIdentity,
    topics: readonly string[],
    owned: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    const response = await this.#ask(joinGroupApi, () => this.#joinRequest(identity, topics, owned), signal);
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      return { type: "memberIdRequired", memberId: response.memberId };
    }
    this.#check(response.errorCode);
    return { type: "joined", joined: this.#toJoined(response) };
  }

  /** @throws KafkaError what the coordinator refuses with, or `ABORTED` */
  async sync(joined: JoinedGroup, assignments: GroupAssignment, signal: AbortSignal): Promise<MemberAssignment> {
    const { groupId, groupInstanceId } = this.#options;
    const { memberId, generationId, protocolName } = joined;
    const encoded = [...assignments].map(([member, assignment]) => ({
      memberId: member,
      assignment: encodeAssignment(assignment),
    }));
    const request = { groupId, groupInstanceId, memberId, generationId, protocolName, assignments: encoded };
    const response = await this.#ask(syncGroupApi, () => ({ ...request, protocolType: PROTOCOL_TYPE }), signal);
    this.#check(response.errorCode);
    return decodeAssignment(response.assignment);
  }

  /** Best effort: see {@link leaveGroup}. */
  async leave({ memberId }: MemberIdentity, reason: string): Promise<void> {
    const { groupId } = this.#options;
    const body = (version: number) =>
      version >= 3 ? { groupId, members: [{ memberId, reason }] } : { groupId, memberId };
    await leaveGroup(this.#client, { groupId, memberId }, (options) =>
      this.#client.ask({ group: groupId }, leaveGroupApi, body, options),
    );
  }

  #joinRequest(
    { memberId, generationId }: MemberIdentity,
    topics: readonly string[],
    ownedPartitions: readonly TopicPartition[],
  ) {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, rackId, assignors } = this.#options;
    const protocols = assignors.map((assignor) => {
      const userData = assignor.subscriptionUserData?.(topics) ?? null;
      const metadata = encodeSubscription({ topics, userData, ownedPartitions, generationId, rackId });
      return { name: assignor.name, metadata };
    });
    return {
      groupId,
      groupInstanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId,
      protocolType: PROTOCOL_TYPE,
      protocols,
    };
  }

  #toJoined(response: JoinGroupResponse): JoinedGroup {
    const isLeader = response.leader === response.memberId;
    return {
      memberId: response.memberId,
      generationId: response.generationId,
      protocolName: response.protocolName ?? "",
      isLeader,
      members: isLeader ? response.members.map((member) => this.#readMember(member)) : [],
      skipAssignment: response.skipAssignment,
    };
  }

  /** A member whose subscription cannot be read gets nothing; the others must not suffer for it. */
  #readMember(member: JoinGroupResponse["members"][number]): MemberSubscription {
    const { memberId, groupInstanceId } = member;
    try {
      return decodeSubscription(memberId, groupInstanceId, member.metadata);
    } catch (error) {
      const { groupId } = this.#options;
      const message = "a member of the group sent a subscription that cannot be read";
      this.#client.runtime.logger.warn(message, { groupId, memberId, error });
      const none = { topics: [], userData: null, ownedPartitions: [], generationId: -1, rackId: null };
      return { memberId, groupInstanceId, ...none };
    }
  }

  async #ask<A extends ApiDefinition>(
    api: A,
    body: () => RequestInput<A>,
    signal: AbortSignal,
  ): Promise<ResponseOf<A>> {
    const timeoutMs = this.#options.rebalanceTimeoutMs + REBALANCE_GRACE_MS;
    for (let failures = 1; ; failures++) {
      try {
        const options = { retry: false, timeoutMs, requestTimeoutMs: timeoutMs, signal, errorOf: retriableErrorOf };
        const response = await this.#client.ask({ group: this.#options.groupId }, api, body, options);
        this.#listener.onRecovered(OPERATION);
        return response;
      } catch (error) {
        if (signal.aborted || !isRetriable(error)) throw error;
        this.#listener.onTrouble(OPERATION, error);
        await sleep(this.#client.runtime, this.#client.retryBackoffMs(failures), signal);
      }
    }
  }

  #check(errorCode: number): void {
    if (errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(errorCode, `In group "${this.#options.groupId}"`);
  }
}

/** Codes that are dealt with by asking again; all others are for the membership to judge. */
function retriableErrorOf(response: unknown): number {
  const { errorCode } = response as { readonly errorCode: number };
  return errorByCode(errorCode).retriable ? errorCode : ErrorCode.NONE;
}
