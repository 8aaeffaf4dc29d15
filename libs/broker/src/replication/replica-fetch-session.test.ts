import { describe, expect, it } from "vitest";
import { fetchKey, type PartitionFetch, ReplicaFetchSession, type SessionPart } from "./replica-fetch-session.ts";

const A = "AAAAAAAAAAAAAAAAAAAACQ";
const B = "AAAAAAAAAAAAAAAAAAAADQ";
const SESSION_ID = 7;

const fetchOf = (topicId: string, partition: number, fetchOffset = 0): PartitionFetch => ({
  key: fetchKey(topicId, partition),
  topicId,
  partition,
  currentLeaderEpoch: 1,
  fetchOffset,
  lastFetchedEpoch: 1,
  logStartOffset: 0,
  partitionMaxBytes: 1_000,
});

const named = ({ topics }: SessionPart) =>
  topics.flatMap(({ topicId, partitions }) =>
    (partitions ?? []).map(({ partition, fetchOffset }) => `${topicId === A ? "a" : "b"}-${partition}@${fetchOffset}`),
  );

/** A session whose leader knows of three partitions. */
function begun(): ReplicaFetchSession {
  const session = new ReplicaFetchSession();
  const first = session.next([fetchOf(A, 0), fetchOf(A, 1), fetchOf(B, 0)]);
  expect(first).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  expect(named(first)).toEqual(["a-0@0", "a-1@0", "b-0@0"]);
  session.answered(SESSION_ID);
  return session;
}

describe("a follower's fetch session", () => {
  it("names nothing while nothing changes", () => {
    const session = begun();
    for (const sessionEpoch of [1, 2, 3]) {
      const part = session.next([fetchOf(A, 0), fetchOf(A, 1), fetchOf(B, 0)]);
      expect(part).toEqual({ sessionId: SESSION_ID, sessionEpoch, topics: [], forgottenTopicsData: [] });
      session.answered(SESSION_ID);
    }
  });

  it.each<[string, Partial<PartitionFetch>]>([
    ["fetch offset", { fetchOffset: 5 }],
    ["leader epoch", { currentLeaderEpoch: 2 }],
    ["last fetched epoch", { lastFetchedEpoch: 2 }],
    ["log start", { logStartOffset: 3 }],
    ["room", { partitionMaxBytes: 2_000 }],
  ])("names the one whose %s has changed, once", (_what, change) => {
    const session = begun();
    const wanted = [fetchOf(A, 0), { ...fetchOf(A, 1), ...change }, fetchOf(B, 0)];
    expect(session.next(wanted).topics).toEqual([{ topicId: A, partitions: [wanted[1]] }]);
    session.answered(SESSION_ID);
    expect(session.next(wanted).topics).toEqual([]);
  });

  it("names only those that stir where the others are known to be as they were, and forgets none", () => {
    const session = begun();
    const part = session.nextWith([fetchOf(A, 1, 9)]);
    expect(named(part)).toEqual(["a-1@9"]);
    expect(part.forgottenTopicsData).toEqual([]);
  });

  it("forgets those that are wanted no more, and names them when they are back", () => {
    const session = begun();
    const part = session.next([fetchOf(A, 0)]);
    expect(named(part)).toEqual([]);
    expect(part.forgottenTopicsData).toEqual([
      { topicId: A, partitions: [1] },
      { topicId: B, partitions: [0] },
    ]);
    session.answered(SESSION_ID);
    expect(named(session.next([fetchOf(A, 0), fetchOf(A, 1)]))).toEqual(["a-1@0"]);
  });

  it.each<[string, (session: ReplicaFetchSession) => void]>([
    ["that the leader has no room for", (session) => session.answered(0)],
    ["of which nobody knows what the leader knows", (session) => session.reset()],
  ])("%s begins again, with everything", (_what, end) => {
    const session = begun();
    session.next([fetchOf(A, 0, 1), fetchOf(A, 1), fetchOf(B, 0)]);
    end(session);
    expect(session.isUnderWay).toBe(false);
    const part = session.next([fetchOf(A, 0, 1), fetchOf(A, 1), fetchOf(B, 0)]);
    expect(part.sessionEpoch).toBe(0);
    expect(named(part)).toEqual(["a-0@1", "a-1@0", "b-0@0"]);
  });

  it("counts anew where the leader has given it another id", () => {
    const session = begun();
    session.next([fetchOf(A, 0), fetchOf(A, 1), fetchOf(B, 0)]);
    session.answered(SESSION_ID + 1);
    const part = session.next([fetchOf(A, 0), fetchOf(A, 1), fetchOf(B, 0)]);
    expect(part).toMatchObject({ sessionId: SESSION_ID + 1, sessionEpoch: 1 });
  });
});
