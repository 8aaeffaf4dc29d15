import { afterEach, describe, expect, test } from "vitest";
import type { ByteChannel } from "../byte-channel.ts";
import { type ChannelPair, channelKinds } from "../test-support/channel-pairs.ts";
import { concat, frameOf, patternBytes, Recorder, turns } from "../test-support/support.ts";

describe.each(channelKinds)("a $name channel", ({ open, clientHoldsUpServer }) => {
  let pair: ChannelPair;
  afterEach(() => pair.cleanUp());

  /** Both directions, as writer and reader. */
  const directions: readonly ("client to server" | "server to client")[] = ["client to server", "server to client"];
  const ends = (direction: string): [ByteChannel, ByteChannel] =>
    direction === "client to server" ? [pair.client, pair.server] : [pair.server, pair.client];

  test.each(directions)("delivers what is written, in order, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    const received = new Recorder(reader);
    new Recorder(writer);
    const sizes = [1, 20, 125, 126, 127, 3000, 65_535, 65_536, 70_000, 5, 1_000_000, 3];
    const frames = sizes.map((sizeBytes, i) => frameOf(patternBytes(sizeBytes, i)));
    for (const frame of frames) {
      writer.write([frame.subarray(0, 4), frame.subarray(4, 9), frame.subarray(9)]);
      if (frame.length > 60_000) await turns(1);
    }
    const expected = concat(frames);
    await received.until(() => received.bytes.length >= expected.length);
    expect(Buffer.compare(received.bytes, expected)).toBe(0);
  });

  test.each(directions)("delivers plain byte arrays, whose slices are copies, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    const received = new Recorder(reader);
    new Recorder(writer);
    writer.write([frameOf(patternBytes(100))]);
    await received.until(() => received.bytes.length === 104);
    for (const chunk of received.chunks) expect(chunk.constructor).toBe(Uint8Array);
  });

  test.each(directions)("delivers nothing inside a call, and nothing before start, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    new Recorder(writer);
    writer.write([frameOf(patternBytes(10))]);
    await turns();
    const received = new Recorder(reader);
    expect(received.chunks).toEqual([]);
    await received.until(() => received.bytes.length === 14);
    const before = received.bytes.length;
    writer.write([frameOf(patternBytes(10))]);
    expect(received.bytes.length).toBe(before);
    await received.until(() => received.bytes.length === 28);
  });

  test.each(directions)("lets go of the chunks once, after they are written, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    const received = new Recorder(reader);
    new Recorder(writer);
    const frame = frameOf(patternBytes(200_000));
    const original = frame.slice();
    const outcomes: boolean[] = [];
    const done = new Promise<void>((resolve) => {
      writer.write([frame], (written) => {
        outcomes.push(written);
        frame.fill(0xee);
        resolve();
      });
    });
    expect(outcomes).toEqual([]);
    await done;
    await received.until(() => received.bytes.length === original.length);
    expect(Buffer.compare(received.bytes, original)).toBe(0);
    expect(outcomes).toEqual([true]);
  });

  test.each(directions.slice(0, clientHoldsUpServer ? 2 : 1))(
    "a paused reader holds up its writer, %s",
    async (direction) => {
      pair = await open();
      const [writer, reader] = ends(direction);
      const written = new Recorder(writer);
      const received = new Recorder(reader);
      reader.pause();
      const frame = frameOf(patternBytes(64 * 1024));
      let sent = 0;
      const fill = async () => {
        while (writer.write([frame])) {
          sent++;
          await turns(1);
          if (sent > 1000) throw new Error("there is no backpressure");
        }
        sent++;
      };
      await fill();
      await turns();
      expect(writer.bufferedBytes).toBeGreaterThan(0);
      expect(received.bytes.length).toBeLessThan(sent * frame.length);
      expect(written.drains).toBe(0);
      reader.resume();
      await written.until(() => written.drains === 1);
      await received.until(() => received.bytes.length === sent * frame.length);
      expect(writer.write([frame])).toBe(true);
    },
  );

  test("a paused reader gets nothing, then all", async () => {
    pair = await open();
    const received = new Recorder(pair.client);
    new Recorder(pair.server);
    await turns();
    pair.client.pause();
    await turns();
    pair.server.write([frameOf(patternBytes(100))]);
    await turns(20);
    expect(received.chunks).toEqual([]);
    pair.client.resume();
    await received.until(() => received.bytes.length === 104);
  });

  test.each(directions)("close sends what is queued, then ends both sides in order, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    const closing = new Recorder(writer);
    const received = new Recorder(reader);
    const frame = frameOf(patternBytes(600_000));
    writer.write([frame]);
    writer.close();
    expect(closing.closes).toEqual([]);
    await received.until(() => received.closes.length > 0);
    await closing.until(() => closing.closes.length > 0);
    await turns();
    expect(received.bytes.length).toBe(frame.length);
    expect(received.closes).toEqual([undefined]);
    expect(closing.closes).toEqual([undefined]);
  });

  test.each(directions)("destroy ends both sides at once, %s", async (direction) => {
    pair = await open();
    const [own, other] = ends(direction);
    const destroyed = new Recorder(own);
    const peer = new Recorder(other);
    await turns();
    const cause = new Error("enough");
    const outcomes: boolean[] = [];
    const frame = frameOf(patternBytes(50));
    own.destroy(cause);
    own.write([frame], (written) => outcomes.push(written));
    own.destroy(new Error("again"));
    expect(destroyed.closes).toEqual([]);
    await destroyed.until(() => destroyed.closes.length > 0);
    await peer.until(() => peer.closes.length > 0);
    await turns();
    expect(destroyed.closes).toEqual([cause]);
    expect(peer.closes.length).toBe(1);
    expect(outcomes).toEqual([false]);
    expect(own.write([frame])).toBe(false);
  });

  test.each(directions)("tells writers whose chunks can no longer leave, %s", async (direction) => {
    pair = await open();
    const [writer, reader] = ends(direction);
    const recorder = new Recorder(writer);
    new Recorder(reader);
    reader.pause();
    const outcomes: boolean[] = [];
    const frame = frameOf(patternBytes(8 * 1024 * 1024));
    for (let i = 0; i < 3; i++) writer.write([frame], (written) => outcomes.push(written));
    await turns();
    writer.write([frame], (written) => outcomes.push(written));
    writer.destroy();
    await recorder.until(() => recorder.closes.length > 0);
    await turns();
    expect(outcomes.length).toBe(4);
    expect(outcomes[3]).toBe(false);
  });

  test("writes after close are refused", async () => {
    pair = await open();
    new Recorder(pair.client);
    new Recorder(pair.server);
    await turns();
    pair.client.close();
    const outcome = await new Promise((resolve) => {
      expect(pair.client.write([frameOf(patternBytes(1))], resolve)).toBe(false);
    });
    expect(outcome).toBe(false);
  });

  test("an end that came before start is told after it", async () => {
    pair = await open();
    pair.server.start({ onData() {}, onDrain() {}, onClose() {} });
    pair.server.write([frameOf(patternBytes(10))]);
    pair.server.close();
    await turns(20);
    const late = new Recorder(pair.client);
    await late.until(() => late.closes.length > 0);
    expect(late.bytes.length).toBe(14);
    expect(late.closes).toEqual([undefined]);
  });
});
