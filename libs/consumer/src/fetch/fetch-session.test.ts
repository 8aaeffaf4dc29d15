import { ErrorCode } from "@ottla/protocol";
import { beforeEach, expect, test } from "vitest";
import { FetchSession, type TopicQuery } from "./fetch-session.ts";

const ID = 7;

let session: FetchSession;

/** Offsets by partition. */
function wanted(offsets: Readonly<Record<number, number>>, topicId = "id"): TopicQuery[] {
  const partitions = Object.entries(offsets).map(([partition, fetchOffset]) => ({
    partition: Number(partition),
    fetchOffset,
    currentLeaderEpoch: 0,
    partitionMaxBytes: 1,
  }));
  return [{ topic: "t", topicId, partitions }];
}

/** Session id and epoch, what is asked for, and what is forgotten. */
function next(...args: Parameters<typeof wanted>) {
  const { sessionId, sessionEpoch, topics, forgottenTopicsData } = session.next(wanted(...args));
  const asked = topics.flatMap(({ partitions }) => partitions.map((query) => [query.partition, query.fetchOffset]));
  return [sessionId, sessionEpoch, asked, forgottenTopicsData.flatMap(({ partitions }) => partitions)];
}

beforeEach(() => {
  session = new FetchSession();
});

test("begins with everything, and goes on with what is new, changed and gone", () => {
  expect(next({ 0: 5, 1: 5 })).toEqual([
    0,
    0,
    [
      [0, 5],
      [1, 5],
    ],
    [],
  ]);
  session.answered(ID);
  expect(next({ 0: 5, 1: 5 })).toEqual([ID, 1, [], []]);
  session.answered(ID);
  expect(next({ 0: 6, 1: 5, 2: 0 })).toEqual([
    ID,
    2,
    [
      [0, 6],
      [2, 0],
    ],
    [],
  ]);
  session.answered(ID);
  expect(next({ 2: 0 })).toEqual([ID, 3, [], [0, 1]]);
  session.answered(ID);
  expect(next({ 0: 6, 2: 0 })).toEqual([ID, 4, [[0, 6]], []]);
});

test("a topic that was made anew is another topic", () => {
  next({ 0: 5 });
  session.answered(ID);
  expect(next({ 0: 5 }, "other")).toEqual([ID, 1, [[0, 5]], [0]]);
});

test("without room for a session the broker is told everything each time", () => {
  next({ 0: 5 });
  session.answered(0);
  expect(next({ 0: 5 })).toEqual([0, 0, [[0, 5]], []]);
});

test.each([
  ["FETCH_SESSION_ID_NOT_FOUND", ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0],
  ["INVALID_FETCH_SESSION_EPOCH", ErrorCode.INVALID_FETCH_SESSION_EPOCH, ID],
  ["FETCH_SESSION_TOPIC_ID_ERROR", ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, ID],
])("after %s it begins anew at once", (_name, errno, id) => {
  next({ 0: 5 });
  session.answered(ID);
  next({ 0: 6 });
  expect(session.failed(errno)).toBe(true);
  expect(next({ 0: 6 })).toEqual([id, 0, [[0, 6]], []]);
  expect(session.failed(errno), "there was no session to blame").toBe(false);
});

test("after an answer that did not come it begins anew, in place of the session that there may be", () => {
  next({ 0: 5 });
  session.answered(ID);
  next({ 0: 6 });
  expect(session.failed(ErrorCode.NETWORK_EXCEPTION)).toBe(false);
  expect(next({ 0: 6 })).toEqual([ID, 0, [[0, 6]], []]);
});
