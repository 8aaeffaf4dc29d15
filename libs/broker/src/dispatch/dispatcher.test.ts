import {
  apiVersionsApi,
  apiVersionsResponse,
  ByteReader,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  heartbeatApi,
  listGroupsApi,
  produceApi,
} from "@ottla/protocol";
import { createSimulatedRuntime } from "@ottla/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { apiHandler, later, NO_RESPONSE, Reply } from "../api-handler.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import { MemoryNetwork } from "../test-support/memory-server.ts";
import { RecordingLogger } from "../test-support/recording-logger.ts";
import { TestClient } from "../test-support/test-client.ts";
import { createDispatcher } from "./dispatcher.ts";
import { HandlerRegistry } from "./handler-registry.ts";

const limits = () => ({
  maxRequestBytes: 10_000,
  connectionsMaxIdleMs: 1,
  maxConnections: 1,
  maxConnectionsPerIp: 1,
  maxConnectionsPerIpOverrides: new Map<string, number>(),
  maxConnectionCreationRate: 1,
  connectionCreationWindowMs: 1,
  queuedMaxRequestBytes: -1,
});
const heartbeat = { groupId: "g", generationId: 1, memberId: "m" };

let logger: RecordingLogger;
let network: MemoryNetwork;

/** Serves a few handlers behind the real pipeline. */
async function serve(handlers: ConstructorParameters<typeof HandlerRegistry>[0]): Promise<TestClient> {
  const runtime = createSimulatedRuntime(1, { logger });
  await network.startServer({
    listeners: [{ name: "PLAINTEXT", port: 9092, protocols: ["kafka"] }],
    handler: createDispatcher(new HandlerRegistry(handlers), logger, new RequestMetrics(runtime.clock)),
    limits,
    allowedOrigins: () => [],
    frameMemory: { gather: (_before, sizeBytes) => new Uint8Array(sizeBytes), hold() {}, release() {} },
    runtime,
  });
  return new TestClient(network.connect());
}

beforeEach(() => {
  logger = new RecordingLogger();
  network = new MemoryNetwork();
});

const apiVersions = apiHandler(apiVersionsApi, { minVersion: 0, maxVersion: 4 }, () => ({ errorCode: 0, apiKeys: [] }));
const heartbeatWith = (handle: () => number) =>
  apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, () => ({ errorCode: handle() }));

/** Longer than a string of the protocol may be. */
const LONG_NAME = [{ groupId: "g".repeat(40_000), protocolType: "consumer" }];

describe("the dispatcher", () => {
  it("answers ApiVersions of an unknown version in v0, with error 35 and its own range", async () => {
    const client = await serve([apiVersions]);
    const [header] = encodeRequest(apiVersionsApi, 4, { correlationId: 7, clientId: "x" }, {});
    const frame = header!.slice();
    frame[7] = 99; // the version
    const response = client.expect(7);
    client.sendBytes([frame]);
    const body = new ByteReader(await response, 4);
    expect(apiVersionsResponse.decode(body, 0)).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    });
    expect(body.remaining).toBe(0);
  });

  it("closes the connection with one line at a version that is not served", async () => {
    const client = await serve([apiHandler(heartbeatApi, { minVersion: 1, maxVersion: 2 }, () => ({ errorCode: 0 }))]);
    await expect(client.send(heartbeatApi, 3, heartbeat)).rejects.toThrow("closed");
    expect(logger.messages()).toHaveLength(1);
    expect(logger.lines[0]!.fields.reason).toBe("Heartbeat v3 is not served, only v1 to v2");
  });

  it("closes the connection with one line at an API that is not served", async () => {
    const client = await serve([apiVersions]);
    await expect(client.send(heartbeatApi, 0, heartbeat)).rejects.toThrow("closed");
    expect(logger.messages()).toHaveLength(1);
    expect(logger.lines[0]!.fields.reason).toBe("API 12 is not served");
  });

  it("closes the connection with one line at a body that cannot be decoded", async () => {
    const client = await serve([heartbeatWith(() => 0)]);
    const chunks = encodeRequest(heartbeatApi, 0, { correlationId: 1, clientId: "x" }, heartbeat);
    const frame = chunks[0]!.slice(0, chunks[0]!.length - 1);
    frame[3] = frame.length - 4;
    client.sendBytes([frame]);
    await client.closed;
    expect(logger.messages()).toHaveLength(1);
    expect(logger.lines[0]!.fields.reason).toMatch(/^malformed Heartbeat request: /);
  });

  it("answers UNKNOWN_SERVER_ERROR where a handler fails unexpectedly, logs why, and goes on", async () => {
    let calls = 0;
    const client = await serve([
      heartbeatWith(() => {
        if (calls++ === 0) throw new TypeError("a bug");
        return ErrorCode.NONE;
      }),
    ]);
    expect(await client.send(heartbeatApi, 4, heartbeat)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR });
    expect(logger.lines).toMatchObject([{ level: "error", message: "Heartbeat failed unexpectedly" }]);
    expect(String(logger.lines[0]!.fields.err)).toContain("a bug");
    expect(await client.send(heartbeatApi, 4, heartbeat)).toMatchObject({ errorCode: ErrorCode.NONE });
  });

  it("does the same where the failure comes later", async () => {
    const client = await serve([
      apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, () => later(Promise.reject(new Error("a bug")))),
    ]);
    expect(await client.send(heartbeatApi, 4, heartbeat)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR });
  });

  it("answers UNKNOWN_SERVER_ERROR where a response cannot be encoded", async () => {
    const client = await serve([
      apiHandler(listGroupsApi, { minVersion: 0, maxVersion: 5 }, () => ({
        errorCode: 0,
        groups: [{ groupId: 7 }] as never,
      })),
    ]);
    expect(await client.send(listGroupsApi, 5, {})).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR });
  });

  it("closes the connection where an API has no answer for a request that failed as a whole", async () => {
    const client = await serve([
      apiHandler(produceApi, { minVersion: 3, maxVersion: 13, errorResponse: () => null }, () => {
        throw new Error("a bug");
      }),
    ]);
    await expect(client.send(produceApi, 3, { acks: 1, timeoutMs: 1, topicData: [] })).rejects.toThrow("closed");
  });

  it("holds the next request back until the effect, not until the answer", async () => {
    const order: string[] = [];
    let answerFirst = (_: { errorCode: number }) => {};
    let call = 0;
    const client = await serve([
      apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, () => {
        order.push(`handled ${++call}`);
        if (call > 1) return { errorCode: 2 };
        const response = new Promise<{ errorCode: number }>((resolve) => {
          answerFirst = resolve;
        });
        return later(
          response,
          Promise.resolve().then(() => void order.push("effect of 1")),
        );
      }),
    ]);
    const both = [client.send(heartbeatApi, 4, heartbeat), client.send(heartbeatApi, 4, heartbeat)];
    while (call < 2) await Promise.resolve();
    expect(order).toEqual(["handled 1", "effect of 1", "handled 2"]);
    answerFirst({ errorCode: 1 });
    expect((await Promise.all(both)).map(({ errorCode }) => errorCode)).toEqual([1, 2]);
    expect(client.answered).toEqual([1, 2]);
  });

  it("sends nothing for NO_RESPONSE, and the next answer all the same", async () => {
    let call = 0;
    const client = await serve([
      apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, () => (++call === 1 ? NO_RESPONSE : { errorCode: 0 })),
    ]);
    client.sendUnanswered(heartbeatApi, 4, heartbeat);
    expect(await client.send(heartbeatApi, 4, heartbeat)).toMatchObject({ errorCode: 0 });
    expect(client.answered).toEqual([2]);
  });

  it("tells a Reply once its bytes are done with, sent or not", async () => {
    let done = 0;
    const client = await serve([
      apiHandler(heartbeatApi, { minVersion: 0, maxVersion: 4 }, () => new Reply({ errorCode: 0 }, () => done++)),
    ]);
    const frame = await client.sendForFrame(heartbeatApi, 4, heartbeat);
    expect(decodeResponse(heartbeatApi, 4, frame).errorCode).toBe(0);
    while (done === 0) await Promise.resolve();
    client.sendUnanswered(heartbeatApi, 4, heartbeat);
    client.close();
    await client.closed;
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(done).toBeLessThanOrEqual(2);
  });

  it.each([
    ["at once", () => ({ errorCode: 0, groups: LONG_NAME })],
    ["in a promise", async () => ({ errorCode: 0, groups: LONG_NAME })],
    ["later", () => later(Promise.resolve({ errorCode: 0, groups: LONG_NAME }))],
  ])("costs the connection, not the process, where neither answer nor error can be encoded: %s", async (_, handle) => {
    const errorResponse = () => ({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, groups: LONG_NAME });
    const client = await serve([apiHandler(listGroupsApi, { minVersion: 0, maxVersion: 2, errorResponse }, handle)]);
    await expect(client.send(listGroupsApi, 2, {})).rejects.toThrow("the broker closed the connection");
    expect(logger.messages()).toContain("ListGroups failed unexpectedly");
  });

  it("will not have two handlers of one API", () => {
    expect(() => new HandlerRegistry([apiVersions, apiVersions])).toThrow("two handlers serve ApiVersions");
  });
});
