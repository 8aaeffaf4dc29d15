import type { JoinGroupAnswer, SyncGroupAnswer } from "../group-requests.ts";
import type { Ticket } from "../shard/ticket.ts";

/** An assignor that a member supports, with what the member tells it. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export const NO_BYTES = new Uint8Array(0);

/** What a member says about itself each time it joins. */
export interface MemberDetails {
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** In the order of the member's preference, each name once. */
  readonly protocols: readonly MemberProtocol[];
}

/**
 * A member of a classic group. It lives in memory; the log knows it from the moment the group is stable with it.
 *
 * `hasJoined` is about the rebalance under way. A member can have joined without a ticket: its client has gone while
 * it waited, and may come back until its session ends.
 */
export class ClassicMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  details: MemberDetails;
  assignment: Uint8Array = NO_BYTES;
  /** Not yet told of a generation: it cannot send heartbeats yet. */
  isNew = false;
  /** False while the client does not know the id it was given: if it goes, it cannot come back as this member. */
  isIdKnown = true;
  /** @internal Changed by the group alone, which counts. */
  hasJoined = false;
  joinTicket: Ticket<JoinGroupAnswer> | null = null;
  syncTicket: Ticket<SyncGroupAnswer> | null = null;

  constructor(memberId: string, groupInstanceId: string | null, details: MemberDetails) {
    this.memberId = memberId;
    this.groupInstanceId = groupInstanceId;
    this.details = details;
  }

  /** Someone who waits for an answer needs no heartbeats. A new member may wait, but not for ever. */
  get isExcusedFromHeartbeats(): boolean {
    return !this.isNew && (this.joinTicket !== null || this.syncTicket !== null);
  }

  /** What the member tells the assignor of this name; it supports that one. */
  metadataFor(protocolName: string): Uint8Array {
    return this.details.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? NO_BYTES;
  }

  /** The first of the member's protocols that is among `candidates`. */
  voteFor(candidates: ReadonlySet<string>): string | undefined {
    return this.details.protocols.find((protocol) => candidates.has(protocol.name))?.name;
  }

  hasSameProtocols(protocols: readonly MemberProtocol[]): boolean {
    const own = this.details.protocols;
    return own.length === protocols.length && own.every((protocol, index) => isSame(protocol, protocols[index]!));
  }
}

function isSame(a: MemberProtocol, b: MemberProtocol): boolean {
  return (
    a.name === b.name &&
    a.metadata.length === b.metadata.length &&
    a.metadata.every((byte, index) => byte === b.metadata[index])
  );
}
