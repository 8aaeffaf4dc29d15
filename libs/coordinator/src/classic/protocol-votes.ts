import type { ClassicMember, MemberProtocol } from "./classic-member.ts";

/** Counts how many members support each protocol, so that the one they have in common is found without comparing all. */
export class ProtocolVotes {
  private readonly supporters = new Map<string, number>();

  add(protocols: readonly MemberProtocol[]): void {
    for (const { name } of protocols) this.supporters.set(name, (this.supporters.get(name) ?? 0) + 1);
  }

  remove(protocols: readonly MemberProtocol[]): void {
    for (const { name } of protocols) {
      const count = (this.supporters.get(name) ?? 0) - 1;
      if (count > 0) this.supporters.set(name, count);
      else this.supporters.delete(name);
    }
  }

  isSupportedByAll(name: string, memberCount: number): boolean {
    return (this.supporters.get(name) ?? 0) === memberCount;
  }

  /**
   * Every member votes for the first protocol of its list that all members support; the most votes win, and among
   * equals the one that was voted for first.
   */
  elect(members: Iterable<ClassicMember>): string {
    const voters = [...members];
    const candidates = new Set<string>();
    for (const [name, count] of this.supporters) if (count === voters.length) candidates.add(name);
    const votes = new Map<string, number>();
    for (const voter of voters) {
      const name = voter.voteFor(candidates);
      if (name !== undefined) votes.set(name, (votes.get(name) ?? 0) + 1);
    }
    let elected: string | undefined;
    for (const [name, count] of votes) if (elected === undefined || count > votes.get(elected)!) elected = name;
    if (elected === undefined) throw new Error("the members have no protocol in common");
    return elected;
  }
}
