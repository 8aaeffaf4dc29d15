import {
  type ApiVersionsResponse,
  apiVersionsApi,
  ByteReader,
  encodeResponse,
  fetchApi,
  heartbeatApi,
  type KafkaError,
  listOffsetsApi,
  metadataApi,
  produceApi,
} from "@ottla/protocol";
import { createSimulatedRuntime, type SimulatedRuntime } from "@ottla/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { InboundRequest, RequestHandler } from "../server/contract.ts";
import {
  answerApiVersions,
  frameOf,
  memoryConnector,
  SERVED_APIS,
  turns,
  withApiVersions,
} from "../test-support/support.ts";
import { BrokerConnection } from "./broker-connection.ts";
import type { BrokerConnectionOptions } from "./connection-options.ts";

const ADDRESS = { host: "broker-1", port: 9092 };

interface Setup {
  readonly runtime: SimulatedRuntime;
  readonly connection: BrokerConnection;
  readonly requests: InboundRequest[];
  readonly connector: ReturnType<typeof memoryConnector>;
}

/** A connection to a broker that answers ApiVersions, and otherwise what `handler` says: nothing by default. */
async function setUp(
  options: Partial<BrokerConnectionOptions> & { handler?: RequestHandler; ordered?: boolean } = {},
): Promise<Setup> {
  const runtime = createSimulatedRuntime(1);
  const requests: InboundRequest[] = [];
  const handler: RequestHandler = (request) => {
    requests.push(request);
    return options.handler?.(request);
  };
  const connector = memoryConnector(withApiVersions(handler), { runtime, ordered: options.ordered });
  const connection = await BrokerConnection.open({
    address: ADDRESS,
    connector,
    runtime,
    clientId: "test",
    ...options,
  });
  return { runtime, connection, requests, connector };
}

function answerMetadata(request: InboundRequest, clusterId = `cluster-${request.header.correlationId}`): void {
  const { requestApiVersion, correlationId } = request.header;
  const body = { brokers: [], clusterId, controllerId: 1, topics: [] };
  request.respond(encodeResponse(metadataApi, requestApiVersion, correlationId, body));
}

const METADATA = { topics: [] };

async function errorOf(promise: Promise<unknown>): Promise<KafkaError> {
  return promise.then(
    () => expect.unreachable("it resolved"),
    (error: KafkaError) => error,
  );
}

describe("version negotiation", () => {
  /** A broker that serves ApiVersions up to `max` and answers anything higher with error 35 and a v0 body. */
  const brokerUpTo =
    (max: number, listsItself = true): RequestHandler =>
    (request) => {
      const { requestApiVersion, correlationId } = request.header;
      const isServed = requestApiVersion <= max;
      const own = { apiKey: 18, minVersion: 0, maxVersion: max };
      const apiKeys = isServed ? [...SERVED_APIS.slice(0, 3), own] : listsItself ? [own] : [];
      const body = { errorCode: isServed ? 0 : 35, apiKeys };
      request.respond(encodeResponse(apiVersionsApi, isServed ? requestApiVersion : 0, correlationId, body));
    };

  test.each([
    { max: 4, listsItself: true, asked: [4] },
    { max: 3, listsItself: true, asked: [4, 3] },
    { max: 2, listsItself: true, asked: [4, 2] },
    { max: 0, listsItself: true, asked: [4, 0] },
    { max: 1, listsItself: false, asked: [4, 0] },
  ])("with a broker that serves ApiVersions up to v$max asks for $asked", async ({ max, listsItself, asked }) => {
    const runtime = createSimulatedRuntime(1);
    const versions: number[] = [];
    const handler: RequestHandler = (request) => {
      versions.push(request.header.requestApiVersion);
      return brokerUpTo(max, listsItself)(request);
    };
    const connector = memoryConnector(handler, { runtime });
    const connection = await BrokerConnection.open({ address: ADDRESS, connector, runtime, clientId: null });
    expect(versions).toEqual(asked);
    expect(connection.requestVersion(metadataApi)).toBe(13);
  });

  test("tells the broker what software this is", async () => {
    const runtime = createSimulatedRuntime(1);
    let body: unknown;
    const handler: RequestHandler = (request) => {
      body = apiVersionsApi.request.decode(new ByteReader(request.frame.subarray(request.bodyOffset)), 4);
      answerApiVersions(request);
    };
    const connector = memoryConnector(handler, { runtime });
    const software = { clientSoftwareName: "my-sdk", clientSoftwareVersion: "1.2.3" };
    await BrokerConnection.open({ address: ADDRESS, connector, runtime, clientId: null, ...software });
    expect(body).toMatchObject(software);
  });

  test("picks the highest version that both sides speak", async () => {
    const { connection } = await setUp({ maxVersions: new Map([[0, 9]]) });
    expect(connection.requestVersion(fetchApi)).toBe(18);
    expect(connection.requestVersion(fetchApi, 12)).toBe(12);
    expect(connection.requestVersion(produceApi)).toBe(9);
    expect(connection.supports(heartbeatApi)).toBe(false);
  });

  test("names the API and both ranges where there is none", async () => {
    const { connection } = await setUp();
    const error = await errorOf(connection.request(listOffsetsApi, { topics: [] } as never));
    expect(error).toMatchObject({ code: "UNSUPPORTED_VERSION", errno: 35, retriable: false });
    expect(error.message).toBe(
      "ListOffsets: the broker at broker-1:9092 does not have it, this client speaks versions 1-11.",
    );
    expect(() => connection.requestVersion(fetchApi, 3)).toThrow(
      "serves versions 4-18, this client speaks versions 4-18 up to 3",
    );
  });

  test.each([
    { name: "another error", errorCode: 58, code: "SASL_AUTHENTICATION_FAILED" },
    { name: "error 35 for version 0 too", errorCode: 35, code: "UNSUPPORTED_VERSION" },
  ])("fails and closes on $name", async ({ errorCode, code }) => {
    const runtime = createSimulatedRuntime(1);
    const refusing = memoryConnector(
      (request) => {
        const { correlationId, requestApiVersion } = request.header;
        const version = errorCode === 35 ? 0 : requestApiVersion;
        request.respond(encodeResponse(apiVersionsApi, version, correlationId, { errorCode, apiKeys: [] }));
      },
      { runtime },
    );
    const opening = BrokerConnection.open({ address: ADDRESS, connector: refusing, runtime, clientId: null });
    expect(await errorOf(opening)).toMatchObject({
      code,
      message: expect.stringContaining("broker-1:9092 refused ApiVersions"),
    });
    await runtime.settle();
    expect(refusing.servers[0]!.signal.aborted).toBe(true);
  });
});

describe("requests", () => {
  test("get their own answers, whatever the order of those", async () => {
    const { connection, requests } = await setUp({ ordered: false });
    const answers = [1, 2, 3].map(() => connection.request(metadataApi, METADATA));
    await turns();
    for (const index of [2, 0, 1]) answerMetadata(requests[index]!, `answer ${index}`);
    const clusterIds = (await Promise.all(answers)).map(({ clusterId }) => clusterId);
    expect(clusterIds).toEqual(["answer 0", "answer 1", "answer 2"]);
    expect(connection.inFlightRequests).toBe(0);
  });

  test("leave in the order of the calls, also those without response, also beyond the limit", async () => {
    const { connection, requests } = await setUp({ maxInFlightRequests: 2 });
    const produce = { acks: 0, timeoutMs: 1, topicData: [] } as never;
    const answers = [
      connection.request(metadataApi, METADATA),
      connection.request(metadataApi, METADATA),
      connection.request(metadataApi, METADATA),
      connection.requestWithoutResponse(produceApi, produce),
      connection.request(metadataApi, METADATA),
    ];
    await turns();
    expect(requests.length).toBe(2);
    expect(connection.inFlightRequests).toBe(2);
    for (let i = 0; i < 5; i++) {
      await turns(1);
      if (requests[i]!.header.requestApiKey === 0) requests[i]!.respondNothing();
      else answerMetadata(requests[i]!);
    }
    await Promise.all(answers);
    expect(requests.map(({ header }) => header.requestApiKey)).toEqual([3, 3, 3, 0, 3]);
    const ids = requests.map(({ header }) => header.correlationId);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  test("take a version of the caller's choice, and carry the client id", async () => {
    const { connection, requests } = await setUp({ handler: (request) => answerMetadata(request) });
    await connection.request(metadataApi, METADATA, { version: 1 });
    expect(requests[0]!.header).toMatchObject({ requestApiVersion: 1, clientId: "test" });
  });

  test("that cannot be encoded fail alone", async () => {
    const { connection } = await setUp({ handler: (request) => answerMetadata(request) });
    const bad = errorOf(connection.request(metadataApi, { topics: [{ name: 5 }] } as never));
    expect((await bad).code).toBe("INVALID_ARGUMENT");
    expect((await connection.request(metadataApi, METADATA)).controllerId).toBe(1);
  });

  test("whose answer cannot be decoded fail alone", async () => {
    const { connection, requests } = await setUp();
    const bad = errorOf(connection.request(metadataApi, METADATA));
    const good = connection.request(metadataApi, METADATA);
    await turns();
    const correlationId = requests[0]!.header.correlationId;
    const cutOff = encodeResponse(metadataApi, 13, correlationId, {
      brokers: [],
      clusterId: "c",
      controllerId: 1,
      topics: [],
    });
    const frame = cutOff[0]!.slice(0, 12);
    new DataView(frame.buffer).setInt32(0, 8);
    requests[0]!.respond([frame]);
    answerMetadata(requests[1]!);
    expect(await bad).toMatchObject({ code: "MALFORMED_FRAME", retriable: false });
    expect((await good).controllerId).toBe(1);
    expect(connection.isOpen).toBe(true);
  });

  test("can be given up, and their answers are dropped", async () => {
    const { connection, requests } = await setUp();
    const controller = new AbortController();
    const given = errorOf(connection.request(metadataApi, METADATA, { signal: controller.signal }));
    const kept = connection.request(metadataApi, METADATA);
    await turns();
    controller.abort(new Error("changed my mind"));
    expect(await given).toMatchObject({
      code: "ABORTED",
      cause: expect.objectContaining({ message: "changed my mind" }),
    });
    for (const request of requests) answerMetadata(request);
    expect((await kept).controllerId).toBe(1);
    const late = errorOf(connection.request(metadataApi, METADATA, { signal: controller.signal }));
    expect((await late).code).toBe("ABORTED");
    expect(requests.length).toBe(2);
  });

  test("that wait their turn and are given up are never sent", async () => {
    const { connection, requests } = await setUp({ maxInFlightRequests: 1 });
    const controller = new AbortController();
    const first = connection.request(metadataApi, METADATA);
    const second = errorOf(connection.request(metadataApi, METADATA, { signal: controller.signal }));
    const third = connection.request(metadataApi, METADATA);
    controller.abort();
    await second;
    await turns();
    answerMetadata(requests[0]!, "first");
    await turns();
    answerMetadata(requests[1]!, "third");
    expect([(await first).clusterId, (await third).clusterId]).toEqual(["first", "third"]);
    expect(requests.length).toBe(2);
  });
});

describe("timeouts", () => {
  test("a request that is not answered in time ends the connection for all", async () => {
    const { connection, runtime, connector } = await setUp();
    const slow = errorOf(connection.request(metadataApi, METADATA, { timeoutMs: 5_000 }));
    const long = errorOf(connection.request(metadataApi, METADATA, { timeoutMs: 60_000 }));
    await runtime.advance(4_999);
    expect(connection.isOpen).toBe(true);
    await runtime.advance(1);
    expect(await slow).toMatchObject({ code: "REQUEST_TIMED_OUT", retriable: true });
    expect((await slow).message).toContain("broker-1:9092 did not answer Metadata within 5000 ms");
    expect(await long).toMatchObject({ code: "NETWORK_EXCEPTION", retriable: true, cause: await slow });
    expect(await errorOf(connection.request(metadataApi, METADATA))).toMatchObject({ retriable: true });
    expect(await connection.closed).toBe(await slow);
    await runtime.settle();
    expect(connector.servers[0]!.signal.aborted).toBe(true);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("any number of requests shares one timer, which looks at the earliest", async () => {
    const { connection, runtime, requests } = await setUp();
    const timersBefore = runtime.pendingTimers;
    const answers = Array.from({ length: 50 }, (_, i) =>
      connection.request(metadataApi, METADATA, { timeoutMs: 30_000 + i }),
    );
    expect(runtime.pendingTimers).toBe(timersBefore === 0 ? 1 : timersBefore);
    await runtime.advance(20_000);
    for (const request of requests) answerMetadata(request);
    await Promise.all(answers);
    const short = errorOf(connection.request(metadataApi, METADATA, { timeoutMs: 100 }));
    await runtime.advance(99);
    expect(connection.isOpen).toBe(true);
    await runtime.advance(1);
    expect((await short).code).toBe("REQUEST_TIMED_OUT");
  });

  test("a request that never got its turn fails alone", async () => {
    const { connection, runtime, requests } = await setUp({ maxInFlightRequests: 1 });
    const first = connection.request(metadataApi, METADATA, { timeoutMs: 10_000 });
    const waiting = errorOf(connection.request(metadataApi, METADATA, { timeoutMs: 1_000 }));
    await runtime.advance(1_000);
    expect((await waiting).code).toBe("REQUEST_TIMED_OUT");
    answerMetadata(requests[0]!);
    expect((await first).controllerId).toBe(1);
    await runtime.settle();
    expect(requests.length).toBe(1);
  });

  test("a broker that never answers ApiVersions is given up", async () => {
    const runtime = createSimulatedRuntime(1);
    const connector = memoryConnector(() => {}, { runtime });
    const opening = errorOf(
      BrokerConnection.open({ address: ADDRESS, connector, runtime, clientId: null, requestTimeoutMs: 700 }),
    );
    await runtime.advance(700);
    expect(await opening).toMatchObject({ code: "REQUEST_TIMED_OUT", retriable: true });
  });
});

describe("authentication", () => {
  test("runs before any other request, with versions known", async () => {
    const steps: string[] = [];
    const { connection } = await setUp({
      handler: (request) => answerMetadata(request),
      authenticate: async (exchange) => {
        steps.push(`version ${exchange.requestVersion(metadataApi)}`);
        const { clusterId } = await exchange.request(metadataApi, METADATA);
        steps.push(`exchanged with ${clusterId}`);
      },
    });
    steps.push("open");
    expect(steps).toEqual(["version 13", "exchanged with cluster-1", "open"]);
    expect(connection.isOpen).toBe(true);
  });

  test("that fails closes the connection", async () => {
    const runtime = createSimulatedRuntime(1);
    const connector = memoryConnector(answerApiVersions, { runtime });
    const refusal = new Error("wrong password");
    const authenticate = () => Promise.reject(refusal);
    const opening = BrokerConnection.open({ address: ADDRESS, connector, runtime, clientId: null, authenticate });
    expect(await errorOf(opening)).toBe(refusal);
    await runtime.settle();
    expect(connector.servers[0]!.signal.aborted).toBe(true);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("can be interrupted", async () => {
    const runtime = createSimulatedRuntime(1);
    const connector = memoryConnector(answerApiVersions, { runtime });
    const controller = new AbortController();
    const authenticate = () => new Promise<void>(() => {});
    const { signal } = controller;
    const opening = errorOf(
      BrokerConnection.open({ address: ADDRESS, connector, runtime, clientId: null, authenticate, signal }),
    );
    await runtime.settle();
    controller.abort();
    expect((await opening).code).toBe("ABORTED");
  });
});

describe("the end", () => {
  test("close waits for answers, refuses new requests, and leaves no timer", async () => {
    const { connection, runtime, requests } = await setUp();
    const answer = connection.request(metadataApi, METADATA);
    await turns();
    const closing = connection.close();
    expect(connection.isOpen).toBe(false);
    expect(await errorOf(connection.request(metadataApi, METADATA))).toMatchObject({ code: "NETWORK_EXCEPTION" });
    answerMetadata(requests[0]!);
    expect((await answer).controllerId).toBe(1);
    await closing;
    expect(await connection.closed).toBeUndefined();
    await runtime.settle();
    expect(runtime.pendingTimers).toBe(0);
  });

  test("close does not wait for answers that nobody wants, nor longer than told", async () => {
    const { connection, runtime } = await setUp();
    const controller = new AbortController();
    const poll = errorOf(connection.request(metadataApi, METADATA, { signal: controller.signal }));
    const closing = connection.close();
    controller.abort();
    await poll;
    await closing;

    const other = await setUp();
    const unanswered = errorOf(other.connection.request(metadataApi, METADATA));
    const closed = other.connection.close({ timeoutMs: 500 });
    await other.runtime.advance(500);
    expect((await unanswered).retriable).toBe(true);
    await closed;
    expect(runtime.pendingTimers).toBe(0);
  });

  test("a broker that goes away fails everything in flight, retriably", async () => {
    const { connection, connector, runtime } = await setUp();
    const pending = [
      errorOf(connection.request(metadataApi, METADATA)),
      errorOf(connection.request(metadataApi, METADATA)),
    ];
    await turns();
    connector.servers[0]!.destroy();
    for (const error of await Promise.all(pending)) {
      expect(error).toMatchObject({ code: "NETWORK_EXCEPTION", retriable: true });
      expect(error.message).toContain("broker-1:9092");
    }
    expect(await connection.closed).toBeInstanceOf(Error);
    expect(connection.isOpen).toBe(false);
    await runtime.settle();
    expect(runtime.pendingTimers).toBe(0);
  });

  test.each([
    { name: "to a request that is not in flight", frame: [0, 0, 0, 4, 0, 0, 9, 9], says: "answered request 2313" },
    { name: "too short for a correlation id", frame: [0, 0, 0, 1, 7], says: "" },
    { name: "of a negative size", frame: [0xff, 0, 0, 0], says: "not the Kafka protocol" },
  ])("an answer $name ends the connection", async ({ frame, says }) => {
    const { connection, requests } = await setUp();
    const pending = errorOf(connection.request(metadataApi, METADATA));
    await turns();
    requests[0]!.respond([Uint8Array.from(frame)]);
    const error = await pending;
    expect(error).toMatchObject({ code: "NETWORK_EXCEPTION", retriable: true });
    expect(error.message).toContain(says);
    expect(connection.isOpen).toBe(false);
  });

  test("nothing rejects unheard when nobody listens", async () => {
    const unheard: unknown[] = [];
    const onUnhandled = (reason: unknown) => unheard.push(reason);
    process.on("unhandledRejection", onUnhandled);
    const { connection, runtime } = await setUp();
    connection.destroy(new Error("gone"));
    await runtime.settle();
    await turns();
    process.off("unhandledRejection", onUnhandled);
    expect(unheard).toEqual([]);
  });
});

describe("requests without a response", () => {
  test("resolve when they are written, and reject when they cannot be", async () => {
    const { connection, requests } = await setUp();
    const produce = { acks: 0, timeoutMs: 1, topicData: [] } as never;
    await connection.requestWithoutResponse(produceApi, produce);
    expect(requests.length).toBe(1);
    connection.destroy();
    expect(await errorOf(connection.requestWithoutResponse(produceApi, produce))).toMatchObject({ retriable: true });
  });
});

test("gives the broker's features", async () => {
  const { connection } = await setUp();
  const response: ApiVersionsResponse = connection.apiVersions;
  expect(response.finalizedFeaturesEpoch).toBe(-1);
  expect(response.apiKeys.length).toBe(SERVED_APIS.length);
});

test("any bytes for an answer settle the request or end the connection, never more (property)", async () => {
  const answer = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }).map(frameOf));
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { maxLength: 5 }), async (chunks) => {
      const { connection, requests, runtime } = await setUp({ ordered: false });
      const pending = connection.request(metadataApi, METADATA, { timeoutMs: 1_000 }).then(
        () => "answered",
        (error: KafkaError) => (error.retriable || error.code === "MALFORMED_FRAME" ? "failed" : error),
      );
      await runtime.settle();
      requests[0]!.respond(chunks);
      await runtime.advance(1_000);
      expect(["answered", "failed"]).toContain(await pending);
      connection.destroy();
      await runtime.settle();
      expect(runtime.pendingTimers).toBe(0);
    }),
  );
});
