import {
  type AnyMessage,
  type ApiDefinition,
  apiVersionsApi,
  correlationIdOf,
  encodeRequest,
  heartbeatApi,
  KafkaError,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { createSystemRuntime, type Runtime } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ByteChannel } from "../byte-channel.ts";
import { FrameDecoder } from "../frame-decoder.ts";
import { createMemoryPair } from "../memory-pair.ts";
import { concat, frameOf, Recorder, recordingLogger, servePipeline, turns } from "../test-support/support.ts";
import type { InboundRequest, RequestHandler } from "./contract.ts";
import type { PipelineLimits } from "./server-pipeline.ts";

const runtime = createSystemRuntime();

/** A heartbeat request with its size: the smallest request that there is. */
function request(correlationId: number): Uint8Array {
  const body = { groupId: "g", generationId: 1, memberId: "m" };
  return concat(encodeRequest(heartbeatApi, 0, { correlationId, clientId: "c" }, body));
}

/** A response that holds its correlation id, and padding. */
function response(correlationId: number, sizeBytes = 4): Uint8Array {
  const payload = new Uint8Array(sizeBytes);
  new DataView(payload.buffer).setInt32(0, correlationId);
  return frameOf(payload);
}

interface Setup {
  readonly client: ByteChannel;
  readonly received: Recorder;
  /** Correlation ids of the responses that came, in order. */
  answers(): number[];
  /** Requests that were handed over, in order. */
  readonly requests: InboundRequest[];
}

function setUp(
  options: {
    readonly handler?: RequestHandler;
    readonly ordered?: boolean;
    readonly limits?: Partial<PipelineLimits>;
    readonly runtime?: Runtime;
    readonly highWaterMarkBytes?: number;
  } = {},
) {
  const [client, server] = createMemoryPair({ highWaterMarkBytes: options.highWaterMarkBytes });
  const requests: InboundRequest[] = [];
  const handler: RequestHandler = (each) => {
    requests.push(each);
    return options.handler?.(each);
  };
  const pipeline = servePipeline(server, handler, { ...options, runtime: options.runtime ?? runtime });
  const received = new Recorder(client);
  const setup: Setup = {
    client,
    received,
    requests,
    answers() {
      const ids: number[] = [];
      const decoder = new FrameDecoder({ maxFrameBytes: 2 ** 30 });
      decoder.push(received.bytes, (frame) => ids.push(correlationIdOf(frame)));
      return ids;
    },
  };
  return { ...setup, pipeline, server };
}

const answer = (each: InboundRequest) => each.respond([response(each.header.correlationId)]);

describe("requests", () => {
  test("are decoded wherever the stream is split", async () => {
    const stream = concat([request(1), request(2), request(3)]);
    for (let at = 0; at <= stream.length; at++) {
      const { client, received, answers, requests } = setUp({ handler: answer });
      client.write([stream.slice(0, at)]);
      await turns(1);
      client.write([stream.slice(at)]);
      await received.until(() => answers().length === 3);
      expect(answers()).toEqual([1, 2, 3]);
      expect(requests[0]!.header).toMatchObject({ requestApiKey: 12, requestApiVersion: 0, clientId: "c" });
    }
  });

  test("tell the handler where their body starts", async () => {
    const { client, requests } = setUp({ handler: answer });
    client.write([request(7)]);
    await turns();
    const [{ frame, bodyOffset, connection }] = requests as [InboundRequest];
    expect([...frame.subarray(bodyOffset, bodyOffset + 3)]).toEqual([0, 1, 0x67]);
    expect(connection).toMatchObject({ id: 1, listenerName: "TEST", kind: "memory" });
  });

  test("take effect one after another", async () => {
    const effects: string[] = [];
    const { client, received, answers } = setUp({
      handler: async (each) => {
        effects.push(`start ${each.header.correlationId}`);
        await turns(each.header.correlationId === 1 ? 4 : 1);
        effects.push(`end ${each.header.correlationId}`);
        answer(each);
      },
    });
    client.write([request(1), request(2), request(3)]);
    await received.until(() => answers().length === 3);
    expect(effects).toEqual(["start 1", "end 1", "start 2", "end 2", "start 3", "end 3"]);
  });

  test("do not wait for the responses of earlier ones", async () => {
    const { client, requests } = setUp();
    client.write([request(1), request(2)]);
    await turns();
    expect(requests.length).toBe(2);
  });

  test("of unserved versions reach the handler, of unknown APIs do not", async () => {
    const logger = recordingLogger();
    const { client, requests, received } = setUp({ runtime: { ...runtime, logger } });
    const future = request(1);
    new DataView(future.buffer).setInt16(6, 99);
    const unknown = request(2);
    new DataView(unknown.buffer).setInt16(4, 999);
    client.write([future, unknown, request(3)]);
    await received.until(() => received.closes.length > 0);
    expect(requests.map(({ header }) => header.requestApiVersion)).toEqual([99]);
    expect(logger.lines.filter(({ level }) => level !== "debug")).toMatchObject([
      { level: "info", fields: { reason: expect.stringContaining("no API with key 999") } },
    ]);
  });
});

describe("responses", () => {
  test("leave in request order behind a long poll", async () => {
    const { client, received, requests, answers } = setUp();
    client.write([request(1), request(2), request(3), request(4)]);
    await turns();
    for (const index of [3, 1, 2]) answer(requests[index]!);
    await turns();
    expect(answers()).toEqual([]);
    answer(requests[0]!);
    await received.until(() => answers().length === 4);
    expect(answers()).toEqual([1, 2, 3, 4]);
  });

  test("leave as they come where the client chose kafka.unordered", async () => {
    const { client, received, requests, answers } = setUp({ ordered: false });
    client.write([request(1), request(2), request(3)]);
    await turns();
    for (const index of [2, 0]) answer(requests[index]!);
    await received.until(() => answers().length === 2);
    expect(answers()).toEqual([3, 1]);
  });

  test("of acks=0 are none, and hold up nobody", async () => {
    const { client, received, requests, answers } = setUp();
    client.write([request(1), request(2), request(3)]);
    await turns();
    answer(requests[2]!);
    requests[1]!.respondNothing();
    requests[0]!.respondNothing();
    await received.until(() => answers().length === 1);
    expect(answers()).toEqual([3]);
  });

  test("of one turn arrive in one chunk", async () => {
    const { client, received } = setUp({ handler: answer });
    client.write([request(1), request(2), request(3)]);
    await turns();
    expect(received.chunks.length).toBe(1);
  });

  test("given twice are a bug of the handler", async () => {
    const { client, requests } = setUp();
    client.write([request(1)]);
    await turns();
    answer(requests[0]!);
    expect(() => answer(requests[0]!)).toThrow("answered twice");
  });

  test("let go of their chunks once, sent or not", async () => {
    const { client, received, requests } = setUp();
    client.write([request(1), request(2), request(3)]);
    await turns();
    const outcomes: string[] = [];
    const respond = (index: number) =>
      requests[index]!.respond([response(index)], (written) => outcomes.push(`${index} ${written}`));
    respond(0);
    await turns();
    respond(2);
    client.destroy();
    await received.until(() => received.closes.length > 0);
    await turns();
    respond(1);
    expect(outcomes.sort()).toEqual(["0 true", "1 false", "2 false"]);
  });
});

describe("backpressure", () => {
  test("a client that does not read is not served on", async () => {
    const { client, received, requests, answers } = setUp({
      handler: (each) => each.respond([response(each.header.correlationId, 10_000)]),
      highWaterMarkBytes: 50_000,
    });
    client.pause();
    client.write(Array.from({ length: 100 }, (_, i) => request(i)));
    await turns();
    expect(requests.length).toBe(5);
    client.resume();
    await received.until(() => answers().length === 100);
  });

  test("answers that wait for an earlier one count too", async () => {
    const { client, received, requests, answers } = setUp({
      handler: (each) => {
        if (each.header.correlationId > 0) each.respond([response(each.header.correlationId, 10_000)]);
      },
      limits: { maxUnsentResponseBytes: 50_000 },
    });
    client.write(Array.from({ length: 100 }, (_, i) => request(i)));
    await turns();
    expect(requests.length).toBe(6);
    answer(requests[0]!);
    await received.until(() => answers().length === 100);
    expect(answers()).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("requests in flight are bounded by number", async () => {
    const { client, requests, received, answers } = setUp({ limits: { maxRequestsInFlight: 3 } });
    client.write(Array.from({ length: 10 }, (_, i) => request(i)));
    for (let i = 0; i < 10; i++) {
      await turns(1);
      expect(requests.length).toBe(Math.min(10, i + 3));
      answer(requests[i]!);
    }
    await received.until(() => answers().length === 10);
  });

  test("requests in flight are bounded by bytes, and one of any size is served", async () => {
    const sizeBytes = request(0).length - 4;
    const { client, requests } = setUp({ limits: { maxRequestBytesInFlight: sizeBytes - 1 } });
    client.write([request(1), request(2)]);
    await turns();
    expect(requests.length).toBe(1);
    answer(requests[0]!);
    await turns();
    expect(requests.length).toBe(2);
  });

  test("a busy handler stops the client from sending on, until its requests are done", async () => {
    let finish = () => {};
    const busy = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { client, received, answers } = setUp({
      handler: async (each) => {
        await busy;
        answer(each);
      },
      highWaterMarkBytes: 100_000,
    });
    const padding = "p".repeat(1000);
    const large = (id: number) =>
      concat(
        encodeRequest(
          heartbeatApi,
          0,
          { correlationId: id, clientId: padding },
          { groupId: "g", generationId: 1, memberId: "m" },
        ),
      );
    let sent = 0;
    while (client.write([large(sent)]) || client.bufferedBytes === 0) {
      if (++sent % 10 === 0) await turns(1);
      if (sent > 10_000) throw new Error("there is no backpressure");
    }
    sent++;
    finish();
    await received.until(() => answers().length === sent);
  });
});

describe("closing", () => {
  test("a frame beyond socket.request.max.bytes closes the connection with one line", async () => {
    const logger = recordingLogger();
    const { client, received, requests, answers } = setUp({
      handler: answer,
      limits: { maxRequestBytes: 100 },
      runtime: { ...runtime, logger },
    });
    client.write([request(1), frameOf(new Uint8Array(101))]);
    await received.until(() => received.closes.length > 0);
    expect(requests.length).toBeLessThanOrEqual(1);
    expect(answers().length).toBe(requests.length);
    expect(logger.lines).toMatchObject([{ level: "info", fields: { reason: expect.stringContaining("101 bytes") } }]);
  });

  test.each([
    { name: "empty", frame: new Uint8Array(0) },
    { name: "short", frame: Uint8Array.of(0, 12, 0) },
    { name: "cut off in the client id", frame: Uint8Array.of(0, 12, 0, 0, 0, 0, 0, 1, 0, 9, 65) },
  ])("a header that is $name does too, after what came before it", async ({ frame }) => {
    const logger = recordingLogger();
    const { client, received, answers } = setUp({ handler: answer, runtime: { ...runtime, logger } });
    client.write([request(1), frameOf(frame), request(2)]);
    await received.until(() => received.closes.length > 0);
    expect(answers()).toEqual([1]);
    expect(logger.lines).toMatchObject([
      { level: "info", fields: { reason: expect.stringContaining("malformed request header") } },
    ]);
  });

  test.each([
    {
      name: "throws",
      handler: () => {
        throw new Error("bug");
      },
      level: "error",
    },
    {
      name: "rejects",
      handler: async () => {
        throw new Error("bug");
      },
      level: "error",
    },
    {
      name: "throws a KafkaError",
      handler: () => {
        throw new KafkaError("bad", { code: "INVALID_REQUEST" });
      },
      level: "info",
    },
  ])("a handler that $name closes the connection with one line", async ({ handler, level }) => {
    const logger = recordingLogger();
    const { client, received, requests } = setUp({ handler, runtime: { ...runtime, logger } });
    client.write([request(1), request(2)]);
    await received.until(() => received.closes.length > 0);
    expect(requests.length).toBe(1);
    expect(logger.lines).toMatchObject([{ level }]);
  });

  test("close gives the reason, and sends what was answered", async () => {
    const logger = recordingLogger();
    const { client, received, requests, answers } = setUp({ runtime: { ...runtime, logger } });
    client.write([request(1), request(2)]);
    await turns();
    answer(requests[0]!);
    requests[1]!.connection.close("acks=0 failed");
    await received.until(() => received.closes.length > 0);
    expect(answers()).toEqual([1]);
    expect(logger.lines).toMatchObject([{ level: "info", fields: { reason: "acks=0 failed", listener: "TEST" } }]);
  });

  test("the signal is aborted with the connection, whenever it is asked for", async () => {
    const { client, received, requests } = setUp();
    client.write([request(1), request(2)]);
    await turns();
    const { signal } = requests[0]!.connection;
    expect(signal.aborted).toBe(false);
    client.close();
    await received.until(() => received.closes.length > 0);
    await turns();
    expect(signal.aborted).toBe(true);
    expect(requests[1]!.connection.signal).toBe(signal);
    const fresh = setUp();
    fresh.client.destroy();
    await turns();
    expect(fresh.pipeline.signal.aborted).toBe(true);
  });

  test("drain answers what is in flight, hands over nothing more, then closes", async () => {
    const { client, received, requests, answers, pipeline } = setUp({ limits: { maxRequestsInFlight: 2 } });
    client.write([request(1), request(2), request(3)]);
    await turns();
    pipeline.drain();
    answer(requests[1]!);
    await turns();
    expect(received.closes).toEqual([]);
    answer(requests[0]!);
    await received.until(() => received.closes.length > 0);
    expect(answers()).toEqual([1, 2]);
    expect(requests.length).toBe(2);
    expect(received.closes).toEqual([undefined]);
  });
});

test.each([
  { api: apiVersionsApi, version: 4 },
  { api: metadataApi, version: 13 },
  { api: produceApi, version: 8 },
])(
  "finds the body of $api.name v$version behind its header",
  async ({ api, version }: { api: ApiDefinition<AnyMessage, AnyMessage>; version: number }) => {
    const { client, requests } = setUp();
    const body = api === produceApi ? { acks: -1, timeoutMs: 1, topicData: [] } : {};
    client.write(encodeRequest(api, version, { correlationId: 1, clientId: null }, body as never));
    await turns();
    const [{ frame, bodyOffset, header }] = requests as [InboundRequest];
    expect(header.clientId).toBeNull();
    const bodyBytes = encodeRequest(api, version, { correlationId: 1, clientId: "longer" }, body as never);
    expect(frame.subarray(bodyOffset)).toEqual(concat(bodyBytes).subarray(4 + bodyOffset + 6));
  },
);

test("any bytes end the connection or leave it waiting for more, in bounded memory (property)", async () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.uint8Array({ maxLength: 64 }).map(frameOf),
    fc.nat(1000).map(request),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 30 }), async (chunks) => {
      const logger = recordingLogger();
      const { client, received, pipeline } = setUp({ handler: answer, runtime: { ...runtime, logger } });
      for (const bytes of chunks) client.write([bytes]);
      await turns(3);
      const isClosed = received.closes.length > 0;
      expect(logger.lines.length).toBe(isClosed ? 1 : 0);
      expect(pipeline.requestsInFlight).toBe(0);
      expect(received.closes).toEqual(isClosed ? [undefined] : []);
      client.destroy();
    }),
  );
});
