import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.ts";
import { concat, frameOf, patternBytes } from "./test-support/support.ts";
import { FrameSizeError } from "./transport-error.ts";

const MAX_FRAME_BYTES = 64 * 1024 * 1024;

function decodeAll(chunks: readonly Uint8Array[], maxFrameBytes = MAX_FRAME_BYTES): Uint8Array[] {
  const decoder = new FrameDecoder({ maxFrameBytes });
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  expect(decoder.pendingBytes).toBe(0);
  return frames;
}

function splitAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const cuts = [0, ...[...positions].sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, i) => bytes.slice(cuts[i], end));
}

describe("FrameDecoder", () => {
  test("finds the frames wherever the stream is split in three", () => {
    const payloads = [patternBytes(0), patternBytes(1), patternBytes(5, 9), patternBytes(0), patternBytes(9, 3)];
    const stream = concat(payloads.map(frameOf));
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        expect(decodeAll(splitAt(stream, [first, second]))).toEqual(payloads);
      }
    }
  });

  test("says when a chunk is needed no more: frames that lie in one chunk are views of it, others are copies", () => {
    const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
    const frames: Uint8Array[] = [];
    const push = (chunk: Uint8Array) => decoder.push(chunk, (frame) => frames.push(frame));
    const [first, second] = [frameOf(patternBytes(100)), frameOf(patternBytes(50, 3))];
    expect([push(first.slice(0, 60)), push(first.slice(60))]).toEqual([true, true]);
    const whole = concat([second, first.subarray(0, 30)]);
    expect([push(whole), push(first.slice(30))]).toEqual([false, true]);
    expect(frames.map(({ buffer }) => buffer === whole.buffer)).toEqual([false, true, false]);
    // The rest of a frame, and a whole one behind it.
    expect([push(first.slice(0, 2)), push(concat([first.subarray(2), second]))]).toEqual([true, false]);
  });

  test("finds the frames in single bytes", () => {
    const payloads = [patternBytes(300), patternBytes(0), patternBytes(7)];
    const stream = concat(payloads.map(frameOf));
    expect(decodeAll(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(payloads);
  });

  test("looks no more at a chunk that it needs no more (property)", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
    const cuts = fc.array(fc.nat({ max: 4_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(frames, cuts, (payloads, positions) => {
        const stream = concat(payloads.map(frameOf));
        const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
        const decoded: Uint8Array[] = [];
        const within = positions.map((position) => Math.min(position, stream.length));
        for (const chunk of splitAt(stream, within))
          if (decoder.push(chunk, (frame) => decoded.push(frame))) chunk.fill(0);
        expect(decoded).toEqual(payloads);
      }),
    );
  });

  test("any frames in any chunks (property)", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
    const cuts = fc.array(fc.nat(4000), { maxLength: 30 });
    fc.assert(
      fc.property(frames, cuts, (payloads, positions) => {
        const stream = concat(payloads.map(frameOf));
        const chunks = splitAt(
          stream,
          positions.map((position) => Math.min(position, stream.length)),
        );
        expect(decodeAll(chunks)).toEqual(payloads);
      }),
    );
  });

  test("any frames in any chunks, read straight to their place where there is one (property)", () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
    const reads = fc.infiniteStream(fc.integer({ min: 1, max: 150 }));
    fc.assert(
      fc.property(frames, reads, (payloads, sizes) => {
        const stream = concat(payloads.map(frameOf));
        const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
        const found: Uint8Array[] = [];
        for (let position = 0; position < stream.length; ) {
          const room = decoder.room();
          const sizeBytes = Math.min(sizes.next().value!, room?.length ?? Number.POSITIVE_INFINITY);
          const read = stream.slice(position, position + sizeBytes);
          position += read.length;
          room?.set(read);
          if (room === undefined) decoder.push(read, (frame) => found.push(frame));
          else decoder.filled(read.length, (frame) => found.push(frame));
        }
        expect(found).toEqual(payloads);
        expect(decoder.pendingBytes).toBe(0);
      }),
    );
  });

  test("gathers frames in the memory that it is given, whatever was in it", () => {
    const given: Uint8Array[] = [];
    const memory = (_before: Uint8Array, sizeBytes: number) => {
      given.push(new Uint8Array(sizeBytes).fill(0xff));
      return given.at(-1)!;
    };
    const payload = patternBytes(3 * 1024 * 1024, 3);
    const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES, memory });
    const found: Uint8Array[] = [];
    const last = patternBytes(10);
    const stream = concat([frameOf(payload), frameOf(last)]);
    for (let position = 0; position < stream.length; position += 100_000)
      decoder.push(stream.slice(position, position + 100_000), (frame) => found.push(frame));
    const [first, second] = found as [Uint8Array, Uint8Array];
    expect([found.length, Buffer.compare(first, payload), Buffer.compare(second, last)]).toEqual([2, 0, 0]);
    expect(given.map(({ length }) => length)).toEqual([1024 * 1024, payload.length]);
    expect(first.buffer).toBe(given[1]!.buffer);
  });

  test("room for a large frame grows with what has come", () => {
    const payload = patternBytes(20 * 1024 * 1024, 3);
    const decoder = new FrameDecoder({ maxFrameBytes: MAX_FRAME_BYTES });
    const found: Uint8Array[] = [];
    decoder.push(frameOf(payload).subarray(0, 5), () => {});
    let roomMax = 0;
    for (let position = 1; position < payload.length; ) {
      const room = decoder.room()!;
      expect(room.length).toBeLessThanOrEqual(Math.max(1024 * 1024, 8 * position));
      roomMax = Math.max(roomMax, room.length);
      const read = payload.subarray(position, position + room.length);
      room.set(read);
      position += read.length;
      decoder.filled(read.length, (frame) => found.push(frame));
    }
    expect(roomMax).toBeGreaterThan(1024 * 1024);
    expect(found.length).toBe(1);
    expect(Buffer.compare(found[0]!, payload)).toBe(0);
  });

  test("a frame within a chunk is a view of it, one that spans chunks pins none of them", () => {
    const whole = frameOf(patternBytes(100));
    const split = frameOf(patternBytes(100, 1));
    const chunks = [concat([whole, split.subarray(0, 50)]), split.slice(50)];
    const [viewed, gathered] = decodeAll(chunks);
    expect(viewed!.buffer).toBe(chunks[0]!.buffer);
    expect(gathered!.buffer).not.toBe(chunks[0]!.buffer);
    expect(gathered!.buffer.byteLength).toBe(100);
  });

  test("gathers frames beyond its first buffer", () => {
    const payload = patternBytes(20 * 1024 * 1024 + 17);
    const stream = frameOf(payload);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += 65_536) chunks.push(stream.subarray(at, at + 65_536));
    const [frame] = decodeAll(chunks);
    expect(Buffer.compare(frame!, payload)).toBe(0);
  });

  test("an announced frame costs memory only as its bytes come", () => {
    const decoder = new FrameDecoder({ maxFrameBytes: 2 ** 31 - 1 });
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => new FrameDecoder({ maxFrameBytes: 2 ** 31 - 1 }));
    const announcement = Uint8Array.of(0x7f, 0xff, 0xff, 0xff);
    for (const each of decoders) each.push(announcement, () => {});
    decoder.push(concat([announcement, patternBytes(10)]), () => {});
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    expect(decoder.pendingBytes).toBe(14);
  });

  test.each([
    { name: "one more than allowed", prefix: [0, 0, 0, 101], code: "FRAME_TOO_LARGE" },
    { name: "text", prefix: [0x47, 0x45, 0x54, 0x20], code: "FRAME_TOO_LARGE" },
    { name: "-1", prefix: [0xff, 0xff, 0xff, 0xff], code: "NEGATIVE_FRAME_SIZE" },
    { name: "the smallest integer", prefix: [0x80, 0, 0, 0], code: "NEGATIVE_FRAME_SIZE" },
  ])("refuses a size of $name, after the frames before it", ({ prefix, code }) => {
    const decoder = new FrameDecoder({ maxFrameBytes: 100 });
    const frames: Uint8Array[] = [];
    const stream = concat([frameOf(patternBytes(100)), Uint8Array.from(prefix)]);
    const push = () => decoder.push(stream, (frame) => frames.push(frame));
    expect(push).toThrow(expect.objectContaining({ code, maxBytes: 100 }));
    expect(push).toThrow(FrameSizeError);
    expect(frames[0]).toEqual(patternBytes(100));
  });
});
