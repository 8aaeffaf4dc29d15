import { createSimulatedRuntime, createSystemRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import type { InboundRequest } from "../../server/contract.ts";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, httpRequest, RawClient, upgrade } from "../../test-support/sockets.ts";
import { answerApiVersions, concat, frameOf, recordingLogger, turns } from "../../test-support/support.ts";
import { startServer } from "./start-server.ts";

const servers = testServers();
afterEach(() => servers.closeAll());

/** A client that has been served once. */
async function servedClient(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.send(apiVersionsRequest(1));
  await client.until(() => client.received.length > 0);
  return client;
}

describe("max.connections", () => {
  test("one more waits until one goes, and is served then", async () => {
    const { port, lines, server } = await servers.start({ limits: { maxConnections: 2 } });
    const [first] = [await servedClient(port), await servedClient(port)];
    const waiting = await RawClient.connect(port);
    waiting.send(apiVersionsRequest(1));
    while (lines().length === 0) await turns(1);
    expect(lines()).toMatchObject([{ level: "warn", fields: { limit: "max.connections=2" } }]);
    await turns(50);
    expect(waiting.received.length).toBe(0);
    expect(server.connectionCount).toBe(2);
    first!.socket.destroy();
    await waiting.until(() => waiting.received.length > 0);
    expect(server.connectionCount).toBe(2);
  });

  test("those that wait are let in when it is raised, in their order; those that are there stay when it is lowered", async () => {
    let maxConnections = 1;
    const { port, server, requests } = await servers.start({ limits: () => ({ maxConnections }) });
    await servedClient(port);
    const waiting: RawClient[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.connect(port);
      client.send(apiVersionsRequest(100 + i));
      waiting.push(client);
      await turns(5);
    }
    maxConnections = 3;
    await waiting[1]!.until(() => waiting[1]!.received.length > 0);
    expect(requests.slice(1).map(({ header }) => header.correlationId)).toEqual([100, 101]);
    maxConnections = 1;
    await turns(10);
    expect(server.connectionCount).toBe(3);
  });

  test("few may wait: the rest is closed", async () => {
    const { port, lines } = await servers.start({ limits: { maxConnections: 1 } });
    await servedClient(port);
    const clients: RawClient[] = [];
    for (let i = 0; i < 51; i++) clients.push(await RawClient.connect(port));
    await Promise.race(clients.map((client) => client.closed));
    while (lines().length < 2) await turns(1);
    expect(lines()[1]!.fields.limit).toBe("max.connections=1, and 50 wait already");
    expect(clients.filter(({ socket }) => !socket.destroyed)).toHaveLength(50);
  });

  test("who waits is closed with the server", async () => {
    const { port, server } = await servers.start({ limits: { maxConnections: 0 } });
    const waiting = await RawClient.connect(port);
    await turns(10);
    await server.close();
    await waiting.closed;
  });

  test("does not hold brokers back that have a listener of their own: the client that was silent for longest makes room", async () => {
    const { logger: _, ...runtime } = createSystemRuntime();
    const server = await startServer({
      listeners: [
        { name: "CLIENTS", port: 0, protocols: ["kafka"] },
        { name: "BROKERS", port: 0, protocols: ["kafka"], isPrivileged: true },
      ],
      handler: answerApiVersions,
      limits: { maxConnections: 2, maxConnectionCreationRate: 1, connectionCreationWindowMs: 2_000 },
      runtime: { ...runtime, logger: recordingLogger() },
    });
    try {
      const [forClients, forBrokers] = server.listeners.map(({ port }) => port);
      const idle = await servedClient(forClients!);
      const busy = await servedClient(forClients!);
      await servedClient(forBrokers!);
      await idle.closed;
      expect(busy.socket.destroyed).toBe(false);
    } finally {
      await server.close({ graceMs: 0 });
    }
  });
});

describe("max.connections.per.ip", () => {
  test("closes one more, until one goes", async () => {
    const { port, lines, server } = await servers.start({ limits: { maxConnectionsPerIp: 2 } });
    const [first] = [await servedClient(port), await servedClient(port)];
    const refused = await RawClient.connect(port);
    await refused.closed;
    expect(refused.received.length).toBe(0);
    expect(lines()).toMatchObject([{ level: "warn", fields: { limit: "max.connections.per.ip=2" } }]);
    first!.socket.destroy();
    while (server.connectionCount === 2) await turns(1);
    await servedClient(port);
  });

  test.each(["127.0.0.1", "localhost"])("another limit for %s; others keep the common one", async (host) => {
    let overrides = new Map([[host, 1]]);
    const { port, lines } = await servers.start({
      limits: () => ({ maxConnectionsPerIp: 2, maxConnectionsPerIpOverrides: overrides }),
    });
    const client = await servedClient(port);
    const ip = client.socket.remoteAddress!;
    overrides = new Map([[host === "localhost" ? host : ip, 1]]);
    await (await RawClient.connect(port)).closed;
    expect(lines()).toMatchObject([{ fields: { limit: `max.connections.per.ip.overrides=${ip}:1` } }]);
    overrides = new Map([["10.0.0.1", 1]]);
    await servedClient(port);
    await (await RawClient.connect(port)).closed;
    expect(lines()[1]!.fields.limit).toBe("max.connections.per.ip=2");
  });
});

describe("max.connection.creation.rate", () => {
  test("what comes faster waits its turn; what the window allows may come at once", async () => {
    const runtime = createSimulatedRuntime(1);
    let maxConnectionCreationRate = 2;
    const { port, requests, lines } = await servers.start({
      runtime,
      limits: () => ({ maxConnectionCreationRate, connectionCreationWindowMs: 2_000 }),
    });
    for (let i = 0; i < 10; i++) {
      const client = await RawClient.connect(port);
      client.send(apiVersionsRequest(i));
    }
    while (requests.length < 4 || lines().length === 0) await turns(1);
    await turns(20);
    expect(requests).toHaveLength(4);
    expect(lines()).toMatchObject([{ level: "warn", fields: { limit: "max.connection.creation.rate=2" } }]);
    for (const served of [6, 8]) {
      await runtime.advance(1_000);
      while (requests.length < served) await turns(1);
      await turns(20);
      expect(requests).toHaveLength(served);
    }
    maxConnectionCreationRate = 1_000;
    await runtime.advance(100);
    while (requests.length < 10) await turns(1);
  });
});

describe("an address that comes too fast for its quota", () => {
  test("is not answered and closed after a while; nobody else waits, and what it has goes on", async () => {
    const runtime = createSimulatedRuntime(1);
    let throttleMs = 0;
    const { port, requests, lines, server } = await servers.start({ runtime, connectionThrottleMs: () => throttleMs });
    const before = await servedClient(port);
    throttleMs = 700;
    const held = [await RawClient.connect(port), await RawClient.connect(port)];
    for (const client of held) client.send(apiVersionsRequest(7));
    while (lines().length === 0) await turns(1);
    await turns(20);
    throttleMs = 0;
    await servedClient(port);
    before.send(apiVersionsRequest(2));
    while (requests.length < 3) await turns(1);
    await runtime.advance(699);
    await turns(20);
    expect(held.map(({ socket }) => socket.destroyed)).toEqual([false, false]);
    await runtime.advance(1);
    for (const client of held) await client.closed;
    expect(requests.map(({ header }) => header.correlationId)).toEqual([1, 1, 2]);
    expect(server.connectionCount).toBe(2);
    expect(lines()).toMatchObject([{ level: "info", fields: { delayMs: 700 } }]);
  });

  test("does not keep a server from closing", async () => {
    const runtime = createSimulatedRuntime(1);
    const { port, server, lines } = await servers.start({ runtime, connectionThrottleMs: () => 60_000 });
    const client = await RawClient.connect(port);
    while (lines().length === 0) await turns(1);
    await server.close();
    await client.closed;
    await turns(5);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("clients that say nothing", () => {
  test.each([
    { name: "nothing at all", bytes: "" },
    { name: "half an HTTP header", bytes: "GET / HTTP/1.1\r\nHost: local" },
    { name: "endless HTTP headers", bytes: "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n" },
  ])("$name: are closed after their time, with one line", async ({ bytes }) => {
    const runtime = createSimulatedRuntime(1);
    const { port, lines } = await servers.start({ runtime, limits: { handshakeTimeoutMs: 1_000 } });
    const client = await RawClient.connect(port);
    if (bytes) client.send(bytes);
    await turns(10);
    await runtime.advance(999);
    await turns();
    expect(client.socket.destroyed).toBe(false);
    await runtime.advance(1);
    await client.closed;
    expect(lines()).toMatchObject([{ level: "info", fields: { reason: "did not say what it wants within 1000 ms" } }]);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("one byte at a time does not buy more of it", async () => {
    const runtime = createSimulatedRuntime(1);
    const { port } = await servers.start({ runtime, limits: { handshakeTimeoutMs: 1_000 } });
    const client = await RawClient.connect(port);
    for (const character of httpRequest("GET /", { Host: "localhost" }).slice(0, 20)) {
      client.send(character);
      await turns(3);
      await runtime.advance(100);
      if (client.socket.destroyed) break;
    }
    await client.closed;
    expect(client.text).toBe("");
  });

  test("an answer that is not taken does not stay for ever", async () => {
    const runtime = createSimulatedRuntime(1);
    const body = new Uint8Array(64 * 1024 * 1024);
    const { port, server } = await servers.start({
      runtime,
      http: () => ({ status: 200, body }),
      limits: { connectionsMaxIdleMs: 5_000 },
    });
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(httpRequest("GET /", { Host: "localhost" }));
    await turns(20);
    await runtime.advance(5_000);
    while (server.connectionCount > 0) await turns(1);
    client.socket.destroy();
  });
});

describe("connections.max.idle.ms", () => {
  const limits = { connectionsMaxIdleMs: 10_000 };

  test("closes idle connections, with one line", async () => {
    const runtime = createSimulatedRuntime(1);
    const { port, lines } = await servers.start({ runtime, limits });
    const client = await servedClient(port);
    await runtime.advance(9_000);
    expect(client.socket.destroyed).toBe(false);
    await runtime.advance(6_000);
    await client.closed;
    expect(lines()).toMatchObject([{ fields: { reason: expect.stringContaining("connections.max.idle.ms") } }]);
    while (runtime.pendingTimers > 0) await runtime.advance(5_000);
  });

  test("leaves busy ones, and those that wait for an answer", async () => {
    const runtime = createSimulatedRuntime(1);
    const held: InboundRequest[] = [];
    const { port } = await servers.start({ runtime, limits, handler: (request) => void held.push(request) });
    const waiting = await RawClient.connect(port);
    waiting.send(apiVersionsRequest(1));
    while (held.length === 0) await turns(1);
    await runtime.advance(60_000);
    expect(waiting.socket.destroyed).toBe(false);
    held[0]!.respond([frameOf(Uint8Array.of(1))]);
    await waiting.until(() => waiting.received.length > 0);
    expect(waiting.received.length).toBe(5);
  });

  test("drops those that do not take what they asked for", async () => {
    const runtime = createSimulatedRuntime(1);
    const response = frameOf(new Uint8Array(32 * 1024 * 1024));
    const { port, server } = await servers.start({
      runtime,
      limits,
      handler: (request) => request.respond([response]),
    });
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(apiVersionsRequest(1));
    await turns(20);
    await runtime.advance(20_000);
    while (server.connectionCount > 0) await turns(1);
    client.socket.destroy();
  });
});

describe("half-open WebSockets", () => {
  const limits = { webSocketPingIntervalMs: 1_000 };

  test("that answer no ping are dropped, those that do are kept", async () => {
    const runtime = createSimulatedRuntime(1);
    const { port, server } = await servers.start({ runtime, limits });
    const dead = (await upgrade(`ws://localhost:${port}/`, { autoPong: false })).webSocket!;
    const alive = (await upgrade(`ws://localhost:${port}/`)).webSocket!;
    const ended = new Promise((resolve) => dead.on("close", resolve));
    for (let i = 0; i < 3; i++) {
      const pinged = new Promise((resolve) => alive.once("ping", resolve));
      await runtime.advance(1_000);
      await pinged;
      await turns(5);
    }
    expect(await ended).toBe(1006);
    expect(alive.readyState).toBe(alive.OPEN);
    expect(server.connectionCount).toBe(1);
    alive.terminate();
  });
});

describe("a slow reader", () => {
  test.each(["tcp", "websocket"])("over %s does not make the server grow", async (transport) => {
    const response = frameOf(new Uint8Array(1024 * 1024));
    let handled = 0;
    const { port } = await servers.start({
      handler: (request) => {
        handled++;
        request.respond([response]);
      },
    });
    const asked = 100;
    const requests = concat(Array.from({ length: asked }, (_, i) => apiVersionsRequest(i)));
    if (transport === "tcp") {
      const client = await RawClient.connect(port);
      client.socket.pause();
      client.send(requests);
      await turns(50);
      const before = handled;
      await turns(50);
      expect(handled).toBe(before);
      expect(handled).toBeLessThan(50);
      client.socket.resume();
      await client.until(() => handled === asked && client.socket.bytesRead === asked * response.length);
      expect(client.socket.bytesRead).toBe(asked * response.length);
      client.socket.destroy();
    } else {
      const { webSocket } = await upgrade(`ws://localhost:${port}/`);
      webSocket!.pause();
      webSocket!.send(requests);
      await turns(50);
      const before = handled;
      await turns(50);
      expect(handled).toBe(before);
      expect(handled).toBeLessThan(50);
      webSocket!.resume();
      let received = 0;
      await new Promise<void>((resolve) => {
        webSocket!.on("message", (data) => {
          received += (data as Uint8Array).length;
          if (received === asked * response.length) resolve();
        });
      });
      webSocket!.terminate();
    }
  });
});
