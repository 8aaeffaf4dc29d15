import { crc32c } from "@ottla/protocol";

/** What goes wrong at the edges of integers, lengths and varints. */
const INTERESTING_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
const INTERESTING_INTS = [0, -1, 1, -2, 0x7fff_ffff, -0x8000_0000, 0x0100_0000, 0x00ff_ffff, 65_536];
const MAX_INSERTED_BYTES = 64;
/** The header's API key and version say how the rest is read: they are seldom worth changing. */
const HEADER_BYTES = 8;

type Random = () => number;
type Mutation = (frame: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const below = (random: Random, bound: number) => Math.floor(random() * bound);
const pick = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)]!;

function position(frame: Uint8Array, random: Random): number {
  const from = random() < 0.9 ? Math.min(HEADER_BYTES, frame.length) : 0;
  return from + below(random, Math.max(1, frame.length - from));
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(frame, random) {
    const copy = frame.slice();
    const at = position(frame, random);
    if (at < copy.length) copy[at]! ^= 1 << below(random, 8);
    return copy;
  },
  function setByte(frame, random) {
    const copy = frame.slice();
    const at = position(frame, random);
    if (at < copy.length) copy[at] = random() < 0.5 ? pick(random, INTERESTING_BYTES) : below(random, 256);
    return copy;
  },
  function setInt(frame, random) {
    const copy = frame.slice();
    const at = position(frame, random);
    if (at + 4 <= copy.length) new DataView(copy.buffer).setInt32(at, pick(random, INTERESTING_INTS));
    return copy;
  },
  function growVarint(frame, random) {
    const copy = frame.slice();
    copy.fill(0xff, position(frame, random), position(frame, random) + below(random, 6));
    return copy;
  },
  function truncate(frame, random) {
    return frame.slice(0, below(random, frame.length));
  },
  function insert(frame, random) {
    const at = position(frame, random);
    const inserted = Uint8Array.from({ length: below(random, MAX_INSERTED_BYTES) }, () => below(random, 256));
    return Uint8Array.from([...frame.subarray(0, at), ...inserted, ...frame.subarray(at)]);
  },
  function remove(frame, random) {
    const at = position(frame, random);
    return Uint8Array.from([...frame.subarray(0, at), ...frame.subarray(at + below(random, 16))]);
  },
  function repeat(frame, random) {
    const at = position(frame, random);
    const part = frame.subarray(at, at + below(random, 128));
    return Uint8Array.from([...frame.subarray(0, at), ...part, ...part, ...frame.subarray(at)]);
  },
  function splice(frame, random, other) {
    return Uint8Array.from([...frame.subarray(0, position(frame, random)), ...other.subarray(position(other, random))]);
  },
];

/** Mostly one mutation, sometimes up to four, one after another. */
export function mutated(frame: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let result = frame;
  const count = random() < 0.7 ? 1 : 2 + below(random, 3);
  for (let left = count; left > 0; left--) result = pick(random, MUTATIONS)(result, random, other);
  return result;
}

const CRC_AT = 17;
const CRC_COVERS_FROM = 21;

/** Changes what the CRC of the batch at `batchAt` covers, and makes the CRC right again: it gets past that check. */
export function mutatedBatch(frame: Uint8Array, batchAt: number, random: Random): Uint8Array {
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  const end = batchAt + 12 + view.getInt32(batchAt + 8);
  for (let left = 1 + below(random, 4); left > 0; left--) {
    const at = batchAt + CRC_COVERS_FROM + below(random, end - batchAt - CRC_COVERS_FROM);
    copy[at] = random() < 0.5 ? copy[at]! ^ (1 << below(random, 8)) : pick(random, INTERESTING_BYTES);
  }
  view.setUint32(batchAt + CRC_AT, crc32c(copy.subarray(batchAt + CRC_COVERS_FROM, end)));
  return copy;
}

/** The frame behind its size; now and then behind another size. */
export function sized(frame: Uint8Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(4 + frame.length);
  const size = random() < 0.03 ? pick(random, INTERESTING_INTS) : frame.length;
  new DataView(bytes.buffer).setInt32(0, size);
  bytes.set(frame, 4);
  return bytes;
}
