import { correlationIdOf, encodeRequest, heartbeatApi } from "@ottla/protocol";
import { requestHeaderVersionOf } from "@ottla/protocol/internal";
import { createSystemRuntime } from "@ottla/runtime";
import { describe, expect, test } from "vitest";
import type { ByteChannel } from "../byte-channel.ts";
import { FrameDecoder } from "../frame-decoder.ts";
import { createMemoryPair } from "../memory-pair.ts";
import { concat, frameOf, Recorder, turns } from "../test-support/support.ts";
import type { InboundRequest, RequestHandler } from "./contract.ts";
import { RequestMemory } from "./request-memory.ts";
import { DEFAULT_PIPELINE_LIMITS, ServerPipeline } from "./server-pipeline.ts";

const runtime = createSystemRuntime();
const LIMIT_BYTES = 1000;
/** About what is on the way at a time. */
const CHUNK_BYTES = 400;

/** A request of about this size. */
function request(correlationId: number, sizeBytes: number): Uint8Array {
  const body = { groupId: "g".repeat(sizeBytes), generationId: 1, memberId: "m" };
  return concat(encodeRequest(heartbeatApi, 0, { correlationId, clientId: "c" }, body));
}

function answer(each: InboundRequest): void {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setInt32(0, each.header.correlationId);
  each.respond([frameOf(payload)]);
}

class Client {
  readonly channel: ByteChannel;
  readonly received: Recorder;
  readonly pipeline: ServerPipeline;

  constructor(memory: RequestMemory, handler: RequestHandler) {
    const [client, server] = createMemoryPair({ highWaterMarkBytes: CHUNK_BYTES });
    this.channel = client;
    this.pipeline = new ServerPipeline(server, {
      id: 1,
      listenerName: "TEST",
      advertised: { host: "test", port: 1 },
      handler,
      headerVersionOf: requestHeaderVersionOf,
      limits: DEFAULT_PIPELINE_LIMITS,
      ordered: true,
      runtime,
      memory,
    });
    this.received = new Recorder(client);
  }

  /** One after another, as far as the channel takes them. */
  async sendEach(requests: readonly Uint8Array[]): Promise<void> {
    for (const each of requests) {
      const { drains } = this.received;
      if (!this.channel.write([each])) await this.received.until(() => this.received.drains > drains);
    }
  }

  answers(): number[] {
    const ids: number[] = [];
    new FrameDecoder({ maxFrameBytes: 1000 }).push(this.received.bytes, (frame) => ids.push(correlationIdOf(frame)));
    return ids;
  }
}

describe("the memory of queued requests", () => {
  test("is bounded over all connections, and no request is lost or overtaken", async () => {
    const memory = new RequestMemory(() => LIMIT_BYTES);
    let peakBytes = 0;
    const handler: RequestHandler = async (each) => {
      peakBytes = Math.max(peakBytes, memory.usedBytes);
      await turns(1);
      answer(each);
    };
    const clients = Array.from({ length: 8 }, () => new Client(memory, handler));
    const ids = Array.from({ length: 40 }, (_, id) => id);
    await Promise.all(clients.map((client) => client.sendEach(ids.map((id) => request(id, (id * 37) % 300)))));
    for (const client of clients) await client.received.until(() => client.answers().length === ids.length);
    for (const client of clients) expect(client.answers()).toEqual(ids);
    expect(peakBytes).toBeGreaterThan(LIMIT_BYTES / 2);
    expect(peakBytes).toBeLessThan(LIMIT_BYTES + 2 * CHUNK_BYTES);
    expect(memory.usedBytes).toBe(0);
  });

  test("lets a request in that is larger than all of it, and no other beside it", async () => {
    const memory = new RequestMemory(() => LIMIT_BYTES);
    const seen: number[] = [];
    const handler: RequestHandler = (each) => {
      seen.push(each.header.correlationId);
      answer(each);
    };
    const [large, small] = [new Client(memory, handler), new Client(memory, handler)];
    const bytes = request(1, 5000);
    large.channel.write([bytes.slice(0, 100)]);
    await turns();
    expect(memory.usedBytes).toBe(bytes.length - 4);
    small.channel.write([request(2, 10)]);
    await turns();
    expect(seen).toEqual([]);
    large.channel.write([bytes.slice(100)]);
    await small.received.until(() => small.answers().length === 1);
    expect(seen).toEqual([1, 2]);
    expect(memory.usedBytes).toBe(0);
  });

  test("is given back when a connection ends, whatever it was doing", async () => {
    const memory = new RequestMemory(() => LIMIT_BYTES);
    const handler: RequestHandler = (each) => answer(each);
    const [dying, muted, living] = [
      new Client(memory, handler),
      new Client(memory, handler),
      new Client(memory, handler),
    ];
    dying.channel.write([request(1, 5000).slice(0, 100)]);
    await turns();
    muted.channel.write([request(2, 10)]);
    living.channel.write([request(3, 10)]);
    await turns();
    muted.channel.destroy();
    await turns();
    expect(living.answers()).toEqual([]);
    dying.channel.destroy();
    await living.received.until(() => living.answers().length === 1);
    expect(memory.usedBytes).toBe(0);
  });

  test("may be unlimited, and may change", async () => {
    let limitBytes = -1;
    const memory = new RequestMemory(() => limitBytes);
    memory.take(10 ** 9);
    expect(memory.hasRoom).toBe(true);
    limitBytes = 5;
    expect(memory.hasRoom).toBe(false);
    let woken = 0;
    memory.onRoom(() => woken++);
    memory.giveBack(10 ** 9 - 6);
    expect(woken).toBe(0);
    memory.giveBack(2);
    memory.giveBack(2);
    expect(woken).toBe(1);
  });
});
