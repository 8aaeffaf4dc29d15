import { encodeRequest, heartbeatApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { parseAddress } from "../../address.ts";
import { FrameDecoder } from "../../frame-decoder.ts";
import type { InboundRequest, RequestFrames } from "../../server/contract.ts";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, upgrade } from "../../test-support/sockets.ts";
import { concat, frameOf, patternBytes, turns } from "../../test-support/support.ts";
import { createNodeWebSocketConnector } from "../websocket-connector.ts";

const servers = testServers();
afterEach(() => servers.closeAll());

async function open(port: number, options: Parameters<typeof upgrade>[1] = {}): Promise<WebSocket> {
  const { webSocket } = await upgrade(`ws://localhost:${port}/kafka`, options);
  return webSocket!;
}

/** The next `count` messages, or those until the socket closes. */
function messages(webSocket: WebSocket, count: number): Promise<Uint8Array[]> {
  const received: Uint8Array[] = [];
  return new Promise((resolve) => {
    webSocket.on("close", () => resolve(received));
    webSocket.on("message", (data) => {
      received.push(data as Uint8Array);
      if (received.length === count) resolve(received);
    });
  });
}

/** A pool of memory that gives none out twice. */
class CountedMemory implements RequestFrames {
  readonly gathered: Uint8Array[] = [];
  readonly holders = new Map<ArrayBufferLike, number>();

  readonly gather = (before: Uint8Array, sizeBytes: number) => {
    const memory = new Uint8Array(sizeBytes);
    this.gathered.push(memory);
    this.holders.set(memory.buffer, 1);
    this.release(before);
    return memory;
  };

  hold(frame: Uint8Array): void {
    this.#count(frame, 1);
  }

  release(frame: Uint8Array): void {
    this.#count(frame, -1);
  }

  #count({ buffer }: Uint8Array, change: number): void {
    const holders = this.holders.get(buffer);
    if (holders !== undefined) this.holders.set(buffer, holders + change);
  }
}

/** As large as one may be that has no records. */
function largeRequest(correlationId: number): Uint8Array {
  const body = { groupId: "g".repeat(32_000), generationId: 1, memberId: "m" };
  return concat(encodeRequest(heartbeatApi, 0, { correlationId, clientId: "c" }, body));
}

const closeCode = (webSocket: WebSocket) => new Promise((resolve) => webSocket.on("close", (code) => resolve(code)));

describe("upgrades", () => {
  test.each([
    { path: "/kafka", status: 101 },
    { path: "/", status: 101 },
    { path: "/?token=1", status: 101 },
    { path: "/kafka/", status: 404 },
    { path: "/other", status: 404 },
  ])("$path: $status", async ({ path, status }) => {
    const { port } = await servers.start();
    const result = await upgrade(`ws://localhost:${port}${path}`);
    expect(result.status).toBe(status);
    result.webSocket?.terminate();
  });

  test.each(["a#b", "a?b", "a/b", "user@a", "a b", "[::1"])(
    "with Host '%s' advertise the local address",
    async (host) => {
      const { port, requests } = await servers.start();
      const webSocket = await open(port, { headers: { host } });
      webSocket.send(apiVersionsRequest(1));
      await messages(webSocket, 1);
      expect(requests[0]!.connection.advertised.url).toMatch(
        new RegExp(`^ws://(127\\.0\\.0\\.1|\\[::1\\]):${port}/kafka$`),
      );
      webSocket.terminate();
    },
  );

  test("are refused on a listener without WebSocket", async () => {
    const { port } = await servers.start({ listener: { protocols: ["kafka", "http"] } });
    expect((await upgrade(`ws://localhost:${port}/kafka`)).status).toBe(404);
  });

  test.each([
    { offered: [], chosen: "" },
    { offered: ["kafka"], chosen: "kafka" },
    { offered: ["kafka.unordered", "kafka"], chosen: "kafka.unordered" },
    { offered: ["mqtt", "kafka"], chosen: "kafka" },
  ])("of a client that offers $offered get '$chosen'", async ({ offered, chosen }) => {
    const { port } = await servers.start();
    const webSocket = await open(port, { subprotocols: offered });
    expect(webSocket.protocol).toBe(chosen);
    webSocket.terminate();
  });
});

describe("messages", () => {
  test("are a byte stream: frames may be split over them, fragmented and coalesced", async () => {
    const { port, requests } = await servers.start();
    const webSocket = await open(port);
    const stream = concat([1, 2, 3, 4].map((id) => apiVersionsRequest(id)));
    webSocket.send(stream.subarray(0, 3));
    webSocket.send(stream.subarray(3, 30));
    webSocket.send(stream.subarray(30, 40), { fin: false });
    webSocket.ping();
    webSocket.send(stream.subarray(40, 50), { fin: false });
    webSocket.send(stream.subarray(50), { fin: true });
    const received = concat(await messages(webSocket, 1));
    while (requests.length < 4) await turns(1);
    expect(requests.map(({ header }) => header.correlationId)).toEqual([1, 2, 3, 4]);
    expect(received.length).toBeGreaterThan(0);
    webSocket.terminate();
  });

  test("of the server hold one or more whole frames", async () => {
    const { port } = await servers.start({
      handler: (request) => {
        const sizeBytes = request.header.correlationId * 10_000;
        request.respond([frameOf(patternBytes(sizeBytes)).subarray(0, 4), patternBytes(sizeBytes)]);
      },
    });
    const webSocket = await open(port);
    const ids = Array.from({ length: 20 }, (_, i) => i);
    webSocket.send(concat(ids.map((id) => apiVersionsRequest(id))));
    let frames = 0;
    let count = 0;
    await new Promise<void>((resolve) => {
      webSocket.on("message", (data, isBinary) => {
        expect(isBinary).toBe(true);
        const decoder = new FrameDecoder({ maxFrameBytes: 2 ** 20 });
        decoder.push(data as Uint8Array, () => frames++);
        expect(decoder.pendingBytes).toBe(0);
        count++;
        if (frames === 20) resolve();
      });
    });
    expect(count).toBeLessThan(20);
    webSocket.terminate();
  });

  test.each([0, 125 - 4, 126 - 4, 65_535 - 4, 65_536 - 4, 3_000_000])("of %i bytes arrive whole", async (sizeBytes) => {
    const frame = frameOf(patternBytes(sizeBytes));
    const { port } = await servers.start({ handler: (request) => request.respond([frame.slice()]) });
    const webSocket = await open(port);
    webSocket.send(apiVersionsRequest(1));
    const [message] = await messages(webSocket, 1);
    expect(Buffer.compare(message!, frame)).toBe(0);
    webSocket.terminate();
  });

  test("that come in pieces lie in the memory of requests, until the last request in them is done", async () => {
    const memory = new CountedMemory();
    const { port, requests } = await servers.start({
      frameMemory: memory,
      handler: (request) => request.respond([frameOf(Uint8Array.of(1))]),
    });
    const webSocket = await open(port);
    for (let round = 1; round <= 2; round++) {
      webSocket.send(concat([1, 2, 3, 4, 5].map((id) => largeRequest(id))));
      while (requests.length < 5 * round) await turns(1);
    }
    expect(memory.gathered.length).toBeGreaterThan(0);
    expect(requests.map(({ header }) => header.correlationId)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    const pooled = requests.filter(({ frame }) => memory.holders.has(frame.buffer));
    expect(pooled.length).toBeGreaterThan(0);
    for (const request of requests) {
      expect(memory.holders.get(request.frame.buffer)).not.toBe(0);
      request.releaseFrame();
    }
    expect([...memory.holders.values()]).toEqual(memory.gathered.map(() => 0));
    webSocket.terminate();
  });

  test("leave in request order, unless kafka.unordered was chosen", async () => {
    for (const { subprotocols, expected } of [
      { subprotocols: ["kafka"], expected: [1, 2] },
      { subprotocols: ["kafka.unordered"], expected: [2, 1] },
    ]) {
      const held: InboundRequest[] = [];
      const { port } = await servers.start({ handler: (request) => void held.push(request) });
      const webSocket = await open(port, { subprotocols });
      webSocket.send(concat([apiVersionsRequest(1), apiVersionsRequest(2)]));
      while (held.length < 2) await turns(1);
      const received = messages(webSocket, 2);
      held[1]!.respond([frameOf(Uint8Array.of(2))]);
      await turns();
      held[0]!.respond([frameOf(Uint8Array.of(1))]);
      if (expected[0] === 1) webSocket.close();
      const bytes = concat(await received);
      expect([bytes[4], bytes[9]]).toEqual(expected);
      webSocket.terminate();
    }
  });

  test("of text are refused with 1003 and one line", async () => {
    const { port, lines, requests } = await servers.start();
    const webSocket = await open(port);
    const code = closeCode(webSocket);
    webSocket.send("hello");
    expect(await code).toBe(1003);
    await turns();
    expect(lines()).toMatchObject([{ level: "info", fields: { reason: expect.stringContaining("text message") } }]);
    expect(requests).toEqual([]);
  });

  test("beyond socket.request.max.bytes are refused with 1009 and one line", async () => {
    const { port, lines } = await servers.start({ limits: { maxRequestBytes: 1000 } });
    const webSocket = await open(port);
    const code = closeCode(webSocket);
    webSocket.send(new Uint8Array(1005));
    expect(await code).toBe(1009);
    await turns();
    expect(lines()).toMatchObject([{ level: "info", fields: { reason: expect.stringContaining("Max payload") } }]);
  });

  test("that are no WebSocket frames are refused with 1002 and one line", async () => {
    const { port, lines } = await servers.start();
    const webSocket = await open(port);
    const code = closeCode(webSocket);
    (webSocket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(
      Uint8Array.of(0xf0, 0x80, 1, 2),
    );
    expect(await code).toBe(1002);
    await turns();
    expect(lines().length).toBe(1);
  });
});

describe("the connector", () => {
  const connector = createNodeWebSocketConnector(createSystemRuntime());
  const connect = (url: string, timeoutMs = 5_000) => connector.connect(parseAddress(url), { timeoutMs });

  test("says why an upgrade was refused", async () => {
    const { port } = await servers.start();
    const refused = connect(`ws://localhost:${port}/elsewhere`);
    await expect(refused).rejects.toMatchObject({ code: "NETWORK_EXCEPTION", retriable: true });
    await expect(refused).rejects.toThrow("HTTP status 404");
  });

  test("says that nothing listens", async () => {
    const { port, server } = await servers.start();
    await server.close();
    await expect(connect(`ws://127.0.0.1:${port}/kafka`)).rejects.toThrow("nothing listens there");
  });
});
