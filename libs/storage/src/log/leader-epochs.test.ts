import { describe, expect, it } from "vitest";
import { LeaderEpochs } from "./leader-epochs.ts";

function epochs(...pairs: [number, number][]): LeaderEpochs {
  return new LeaderEpochs(pairs.map(([epoch, startOffset]) => ({ epoch, startOffset })));
}

const pairsOf = (cache: LeaderEpochs) => cache.entries.map((entry) => [entry.epoch, entry.startOffset]);

describe("the leader epochs of a log", () => {
  it.each<[string, [number, number][], [number, number], [number, number][]]>([
    ["the first", [], [0, 0], [[0, 0]]],
    [
      "a later one",
      [[0, 0]],
      [2, 10],
      [
        [0, 0],
        [2, 10],
      ],
    ],
    [
      "the same again, further on",
      [
        [0, 0],
        [2, 10],
      ],
      [2, 15],
      [
        [0, 0],
        [2, 10],
      ],
    ],
    [
      "the same, from further back",
      [
        [0, 0],
        [2, 10],
      ],
      [2, 5],
      [
        [0, 0],
        [2, 5],
      ],
    ],
    [
      "one that replaces an epoch without records",
      [
        [0, 0],
        [2, 10],
      ],
      [3, 10],
      [
        [0, 0],
        [3, 10],
      ],
    ],
    [
      "an older one, which drops what contradicts it",
      [
        [0, 0],
        [2, 10],
        [4, 20],
      ],
      [3, 15],
      [
        [0, 0],
        [2, 10],
        [3, 15],
      ],
    ],
    [
      "one that goes on where a later one was taken to begin",
      [
        [0, 0],
        [1, 90],
        [2, 130],
      ],
      [1, 130],
      [
        [0, 0],
        [1, 90],
      ],
    ],
  ])("assign: %s", (_name, before, [epoch, startOffset], after) => {
    const cache = epochs(...before);
    cache.assign(epoch, startOffset);
    expect(pairsOf(cache)).toEqual(after);
  });

  it.each<[number, [number, number] | null]>([
    [-1, null],
    [0, [0, 10]],
    [1, [1, 20]],
    [2, [1, 20]],
    [4, [4, 30]],
    [5, [5, 99]],
    [6, null],
  ])("the end of epoch %i is %j", (epoch, expected) => {
    const found = epochs([0, 0], [1, 10], [4, 20], [5, 30]).endOffsetFor(epoch, 99);
    expect(found === null ? null : [found.leaderEpoch, found.endOffset]).toEqual(expected);
  });

  it("an epoch before the first known one ends where that begins", () => {
    expect(epochs([3, 50], [5, 60]).endOffsetFor(1, 99)).toEqual({ leaderEpoch: 1, endOffset: 50 });
  });

  it("knows which epoch an offset belongs to", () => {
    const cache = epochs([1, 5], [4, 20]);
    expect([0, 4, 5, 19, 20, 99].map((offset) => cache.epochFor(offset))).toEqual([-1, -1, 1, 1, 4, 4]);
  });

  it.each<[number, [number, number][]]>([
    [0, []],
    [10, [[0, 0]]],
    [
      11,
      [
        [0, 0],
        [1, 10],
      ],
    ],
    [
      99,
      [
        [0, 0],
        [1, 10],
      ],
    ],
  ])("truncated to %i", (endOffset, after) => {
    const cache = epochs([0, 0], [1, 10]);
    cache.truncateFromEnd(endOffset);
    expect(pairsOf(cache)).toEqual(after);
  });

  it.each<[number, [number, number][]]>([
    [
      0,
      [
        [0, 0],
        [1, 10],
        [2, 20],
      ],
    ],
    [
      5,
      [
        [0, 5],
        [1, 10],
        [2, 20],
      ],
    ],
    [
      10,
      [
        [1, 10],
        [2, 20],
      ],
    ],
    [25, [[2, 25]]],
  ])("begun anew at %i", (startOffset, after) => {
    const cache = epochs([0, 0], [1, 10], [2, 20]);
    cache.truncateFromStart(startOffset);
    expect(pairsOf(cache)).toEqual(after);
  });
});
