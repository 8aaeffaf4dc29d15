import { afterEach, expect, test, vi } from "vitest";
import { type ChannelPair, channelKinds } from "../test-support/channel-pairs.ts";
import { patternBytes } from "../test-support/support.ts";
import type { NodeWebSocketChannel } from "./websocket-channel.ts";
import { maskedMessage } from "./websocket-frames.ts";

let pair: ChannelPair;
afterEach(() => pair.cleanUp());

async function openPair() {
  pair = await channelKinds.find(({ name }) => name === "WebSocket (ws)")!.open();
  const client = pair.client as NodeWebSocketChannel;
  const server = pair.server as NodeWebSocketChannel;
  let messages = 0;
  client.webSocket.on("message", () => messages++);
  let receivedBytes = 0;
  const ignored = { onDrain: () => {}, onClose: () => {} };
  client.start({ ...ignored, onData: (chunk) => (receivedBytes += chunk.length) });
  server.start({ ...ignored, onData: () => {} });
  const gathered = vi.spyOn(server.socket, "_writev");
  const single = vi.spyOn(server.socket, "_write");
  const received = (sizeBytes: number) => vi.waitFor(() => expect(receivedBytes).toBe(sizeBytes));
  return { server, gathered, single, received, messages: () => messages };
}

const head = () => new Uint8Array(30);
const records = () => new Uint8Array(8 * 1024);

test("answers of one turn leave in one frame, by one gathered write", async () => {
  const { server, gathered, single, received, messages } = await openPair();
  for (let i = 0; i < 6; i++) server.write([head(), records()]);
  await received(6 * (30 + 8 * 1024));
  expect(messages()).toBe(1);
  expect([gathered.mock.calls.length, single.mock.calls.length]).toEqual([1, 0]);
});

test("a frame ends once it is large, and the frames of one turn still leave by one write", async () => {
  const { server, gathered, single, received, messages } = await openPair();
  for (let i = 0; i < 20; i++) server.write([head(), records()]);
  await received(20 * (30 + 8 * 1024));
  expect(messages()).toBe(3);
  expect([gathered.mock.calls.length, single.mock.calls.length]).toEqual([1, 0]);
});

test("a large write does not wait for the end of the turn", async () => {
  const { server, gathered, single, received } = await openPair();
  const sizeBytes = 64 * 1024;
  server.write([head(), records()]);
  expect([gathered.mock.calls.length, single.mock.calls.length]).toEqual([0, 0]);
  server.write([head(), new Uint8Array(sizeBytes)]);
  expect([gathered.mock.calls.length, single.mock.calls.length]).toEqual([1, 0]);
  await received(60 + 8 * 1024 + sizeBytes);
});

test("answers of different turns do not wait for one another", async () => {
  const { server, received, messages } = await openPair();
  for (let i = 1; i <= 3; i++) {
    server.write([head()]);
    await received(i * 30);
    expect(messages()).toBe(i);
  }
});

test("a masked message that lies in one chunk of the socket is unmasked in place", async () => {
  pair = await channelKinds.find(({ name }) => name === "WebSocket (ws)")!.open();
  const server = pair.server as NodeWebSocketChannel;
  const received: Uint8Array[] = [];
  const ignored = { onDrain: () => {}, onClose: () => {} };
  pair.client.start({ ...ignored, onData: () => {} });
  server.start({ ...ignored, onData: (chunk) => received.push(chunk) });
  const payload = patternBytes(40_000);
  const message = maskedMessage([payload], payload.length, Uint8Array.of(1, 2, 3, 4));
  server.socket.push(message);
  await vi.waitFor(() => expect(received).toHaveLength(1));
  expect(received[0]!.buffer).toBe(message.buffer);
  expect(Buffer.compare(received[0]!, payload)).toBe(0);
});
