import { expect, it } from "vitest";
import type { FollowerReader } from "./fetch-reader.ts";
import type { FetchedPartition } from "./fetch-session.ts";
import type { Partition } from "./partition.ts";
import { Purgatory } from "./purgatory.ts";
import { StirredPartitions } from "./stirred-partitions.ts";

const [A, B, C, D] = Array.from({ length: 4 }, () => ({}) as Partition);
const sessions = new Map([A, B, C].map((partition, index) => [partition, { key: `${index}` } as FetchedPartition]));
const [a, b, c] = [...sessions.values()] as [FetchedPartition, FetchedPartition, FetchedPartition];
const reader = { brokerEpoch: 1, registration: undefined } as FollowerReader;

/** Of a session with three partitions, of which one was not at rest at 1,000 ms. */
function lookedAt(): { readonly stirred: StirredPartitions; readonly purgatory: Purgatory } {
  const purgatory = new Purgatory(null!, null!, null!);
  const stirred = new StirredPartitions((partition) => sessions.get(partition));
  const { movesCount } = purgatory;
  stirred.lookedAtAll({ atMs: 1_000, reader, movesCount }, [a]);
  return { stirred, purgatory };
}

it("are those that were not at rest, and first of all those that have moved or were asked for anew since", () => {
  const { stirred, purgatory } = lookedAt();
  expect(stirred.at(1_001, reader, purgatory)).toEqual([a]);
  for (const moved of [B, B, D, A]) purgatory.partitionMoved(moved!);
  expect(stirred.at(1_002, reader, purgatory)).toEqual([b, a]);
  stirred.changed(c);
  expect(stirred.at(1_003, reader, purgatory)).toEqual([c, b, a]);
  stirred.moveToEnd(b);
  stirred.forgotten(c);
  expect(stirred.at(1_004, reader, purgatory)).toEqual([a, b]);
});

it("are not known before the first look at all, nor for long, nor to another life of the follower", () => {
  const { stirred, purgatory } = lookedAt();
  expect(stirred.at(1_500, reader, purgatory)).toBeNull();
  expect(stirred.at(1_001, { ...reader, brokerEpoch: 2 }, purgatory)).toBeNull();
  stirred.lookAtAll();
  expect(stirred.at(1_001, reader, purgatory)).toBeNull();
  expect(new StirredPartitions(() => undefined).at(0, reader, purgatory)).toBeNull();
});

it("are not known when more has moved than anybody remembers", () => {
  const { stirred, purgatory } = lookedAt();
  for (let i = 0; i < 256; i++) purgatory.partitionMoved(D!);
  expect(stirred.at(1_001, reader, purgatory)).toEqual([a]);
  for (let i = 0; i < 257; i++) purgatory.partitionMoved(D!);
  expect(stirred.at(1_001, reader, purgatory)).toBeNull();
});
