import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameDecoder } from "../frame-decoder.ts";
import { concat, frameOf, patternBytes } from "../test-support/support.ts";
import { SocketReader } from "./socket-reader.ts";

test("gives whole frames, and leaves what it has given alone, however much the socket has ready at a time (property)", () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 10_000, max: 150_000 })), { maxLength: 8 });
  const reads = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(sizes, reads, (lengths, readyBytes) => {
      const payloads = lengths.map((length, index) => patternBytes(length, index));
      const stream = concat(payloads.map(frameOf));
      const decoder = new FrameDecoder({ maxFrameBytes: 1_000_000 });
      const found: Uint8Array[] = [];
      const onFrame = (frame: Uint8Array) => void found.push(frame);
      const reader = new SocketReader();
      reader.start((chunk) => decoder.push(chunk, onFrame), {
        room: () => decoder.room(),
        filled: (sizeBytes) => decoder.filled(sizeBytes, onFrame),
      });
      const { buffer, callback } = reader.onread;
      for (let position = 0, turn = 0; position < stream.length; turn++) {
        const target = typeof buffer === "function" ? buffer() : buffer;
        const read = stream.subarray(position, position + readyBytes[turn % readyBytes.length]!);
        const taken = read.subarray(0, target.length);
        target.set(taken);
        callback(taken.length, target);
        position += taken.length;
      }
      expect(found.map((frame, index) => Buffer.compare(frame, payloads[index]!))).toEqual(payloads.map(() => 0));
    }),
    { numRuns: 50 },
  );
});
