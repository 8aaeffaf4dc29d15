import { connect as connectTls } from "node:tls";
import { apiVersionsApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { parseAddress } from "../../address.ts";
import { BrokerConnection } from "../../client/broker-connection.ts";
import { FrameDecoder } from "../../frame-decoder.ts";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, exchangeRaw, httpRequest, RawClient } from "../../test-support/sockets.ts";
import { concat, frameOf, patternBytes } from "../../test-support/support.ts";
import { createNodeConnector } from "../platform.ts";

const runtime = createSystemRuntime();
const servers = testServers();
afterEach(() => servers.closeAll());

function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  new FrameDecoder({ maxFrameBytes: 2 ** 20 }).push(bytes, (frame) => frames.push(frame));
  return frames;
}

describe("one port", () => {
  test.each([
    "127.0.0.1:PORT",
    "[::1]:PORT",
    "localhost:PORT",
    "ws://127.0.0.1:PORT",
    "ws://[::1]:PORT/kafka",
    "ws://localhost:PORT/",
  ])("serves Kafka at %s and HTTP beside it", async (template) => {
    const { port } = await servers.start();
    const address = parseAddress(template.replace("PORT", String(port)));
    const connection = await BrokerConnection.open({
      address,
      connector: createNodeConnector(runtime),
      runtime,
      clientId: "test",
    });
    const response = await connection.request(apiVersionsApi, {});
    expect(response.apiKeys.length).toBeGreaterThan(0);
    const page = await fetch(`http://127.0.0.1:${port}/health?x=1`);
    expect(await page.text()).toBe("you asked for /health");
    await connection.close();
  });

  test("knows Kafka also when it comes byte by byte", async () => {
    const { port } = await servers.start();
    const client = await RawClient.connect(port);
    await client.sendSlowly(concat([apiVersionsRequest(1), apiVersionsRequest(2)]));
    await client.until(() => framesOf(client.received).length === 2);
    expect(framesOf(client.received).map((frame) => frame[3])).toEqual([1, 2]);
    client.socket.destroy();
  });

  test("knows HTTP also when it comes byte by byte", async () => {
    const { port, requests } = await servers.start();
    const client = await RawClient.connect(port);
    await client.sendSlowly(Buffer.from(httpRequest("GET /slow", { Host: "localhost" })));
    await client.closed;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*you asked for \/slow$/);
    expect(requests).toEqual([]);
  });

  test.each(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("answers %s as HTTP", async (method) => {
    const { port } = await servers.start();
    const text = await exchangeRaw(port, httpRequest(`${method} /x`, { Host: "localhost", "Content-Length": "0" }));
    expect(text).toMatch(/^HTTP\/1\.1 20[04] /);
  });

  test("pipelines requests that came in one packet with the first bytes", async () => {
    const { port } = await servers.start();
    const client = await RawClient.connect(port);
    client.send(concat(Array.from({ length: 100 }, (_, i) => apiVersionsRequest(i))));
    await client.until(() => framesOf(client.received).length === 100);
    expect(framesOf(client.received).map((frame) => frame[3])).toEqual(Array.from({ length: 100 }, (_, i) => i));
    client.socket.destroy();
  });
});

describe("what does not belong on a listener", () => {
  test.each([
    { name: "random bytes", bytes: Uint8Array.of(0xfe, 0xed, 0xfa, 0xce, 1, 2, 3) },
    { name: "lower-case text", bytes: Buffer.from("hello there, who are you?\n") },
    { name: "a frame that is too large", bytes: Uint8Array.of(0x10, 0, 0, 0, 0) },
    { name: "zeros", bytes: new Uint8Array(64) },
    { name: "a frame of an unknown API", bytes: frameOf(patternBytes(40, 99)) },
    {
      name: "a STUN request",
      bytes: concat([Uint8Array.of(0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42), new Uint8Array(200_000)]),
    },
  ])("$name: closed with one line, others are served on", async ({ bytes }) => {
    const { port, lines, requests } = await servers.start();
    const good = await RawClient.connect(port);
    good.send(apiVersionsRequest(1));
    await good.until(() => good.received.length > 0);
    expect(await exchangeRaw(port, bytes)).toBe("");
    expect(lines()).toMatchObject([
      { level: "info", message: "Closing a connection", fields: { listener: "PLAINTEXT" } },
    ]);
    const before = good.received.length;
    good.send(apiVersionsRequest(2));
    await good.until(() => good.received.length > before);
    expect(requests.length).toBe(2);
    good.socket.destroy();
  });

  test("HTTP on a Kafka port is told so", async () => {
    const { port, lines } = await servers.start({ listener: { protocols: ["kafka"] } });
    const text = await exchangeRaw(port, httpRequest("GET /", { Host: "localhost" }));
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*This port speaks the Kafka protocol/);
    expect(lines()).toMatchObject([{ fields: { reason: "HTTP on a Kafka port" } }]);
  });

  test("Kafka over TCP on a listener for the web is closed", async () => {
    const { port, lines, requests } = await servers.start({ listener: { protocols: ["http", "ws"] } });
    expect(await exchangeRaw(port, apiVersionsRequest(1))).toBe("");
    expect(lines()).toMatchObject([{ fields: { reason: expect.stringContaining("does not serve it") } }]);
    expect(requests).toEqual([]);
  });

  test("TLS on a listener without it is closed", async () => {
    const { port, lines } = await servers.start();
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await new Promise((resolve) => socket.on("error", resolve));
    expect(lines()).toMatchObject([{ fields: { reason: "a TLS handshake on a listener without TLS" } }]);
  });
});

describe("what a client is told to connect to", () => {
  async function advertisedTo(listener: object, template: string, host = "127.0.0.1") {
    const { port, requests } = await servers.start({ listener });
    const address = parseAddress(template.replace("PORT", String(port)));
    const connection = await BrokerConnection.open({
      address,
      connector: createNodeConnector(runtime),
      runtime,
      clientId: null,
    });
    await connection.close();
    const [request] = requests;
    return { advertised: request!.connection.advertised, port, host };
  }

  test("over TCP: the local address that it reached", async () => {
    const { advertised, port } = await advertisedTo({}, "127.0.0.1:PORT");
    expect(advertised).toEqual({ host: "127.0.0.1", port });
  });

  test("over TCP on a dual-stack socket: the address without its IPv6 prefix", async () => {
    const { advertised, port } = await advertisedTo({ host: "::" }, "127.0.0.1:PORT");
    expect(advertised).toEqual({ host: "127.0.0.1", port });
  });

  test("over WebSocket: the Host header, with the path it came by", async () => {
    const { advertised, port } = await advertisedTo({}, "ws://localhost:PORT/");
    expect(advertised).toEqual({ host: "localhost", port, url: `ws://localhost:${port}/` });
  });

  test.each([
    { template: "127.0.0.1:PORT", expected: { host: "kafka.lan", port: 19092 } },
    {
      template: "ws://localhost:PORT",
      expected: { host: "kafka.lan", port: 19092, url: "ws://kafka.lan:19092/kafka" },
    },
  ])("the advertised host and port, to $template", async ({ template, expected }) => {
    const { advertised } = await advertisedTo({ advertised: { host: "kafka.lan", port: 19092 } }, template);
    expect(advertised).toEqual(expected);
  });

  test("the advertised URL, to WebSocket clients only", async () => {
    const listener = { advertised: { url: "wss://kafka.example.com/broker/1" } };
    const { advertised } = await advertisedTo(listener, "ws://localhost:PORT");
    expect(advertised).toEqual({ host: "kafka.example.com", port: 443, url: "wss://kafka.example.com/broker/1" });
    const tcp = await advertisedTo(listener, "127.0.0.1:PORT");
    expect(tcp.advertised).toEqual({ host: "127.0.0.1", port: tcp.port });
  });
});

describe("closing", () => {
  test("answers what is in flight, accepts nothing new, frees the port", async () => {
    const { port, server, requests } = await servers.start({ handler: () => {} });
    const client = await RawClient.connect(port);
    client.send(apiVersionsRequest(1));
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closing = server.close();
    await expect(RawClient.connect(port)).rejects.toThrow("ECONNREFUSED");
    requests[0]!.respond([frameOf(patternBytes(10))]);
    await client.closed;
    await closing;
    expect(client.received.length).toBe(14);
    expect(server.connectionCount).toBe(0);
    const next = await servers.start({ listener: { port } });
    expect(next.port).toBe(port);
  });

  test("cuts off what is not answered in time, and clients that say nothing", async () => {
    const { port, server, requests } = await servers.start({ handler: () => {} });
    const [waiting, silent] = [await RawClient.connect(port), await RawClient.connect(port)];
    waiting.send(apiVersionsRequest(1));
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await server.close({ graceMs: 20 });
    await Promise.all([waiting.closed, silent.closed]);
    expect(requests[0]!.connection.signal.aborted).toBe(true);
  });

  test.each([
    { how: "in order", close: "close" as const, error: undefined },
    { how: "as that of a broker that died", close: "reset" as const, error: "ECONNRESET" },
  ])("ends a connection $how", async ({ close, error }) => {
    const { port } = await servers.start({ handler: ({ connection }) => connection[close]("it is the test's wish") });
    const client = await RawClient.connect(port);
    let seen: string | undefined;
    client.socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      seen = code;
    });
    client.send(apiVersionsRequest(1));
    await client.closed;
    expect(seen).toBe(error);
  });

  test("resets a WebSocket by ending it", async () => {
    const { port } = await servers.start({ handler: ({ connection }) => connection.reset("it is the test's wish") });
    const address = parseAddress(`ws://127.0.0.1:${port}`);
    const connector = createNodeConnector(runtime);
    await expect(BrokerConnection.open({ address, connector, runtime, clientId: null })).rejects.toThrow();
  });

  test("closes WebSockets with a handshake", async () => {
    const { port, server } = await servers.start();
    const address = parseAddress(`ws://127.0.0.1:${port}`);
    const connection = await BrokerConnection.open({
      address,
      connector: createNodeConnector(runtime),
      runtime,
      clientId: null,
    });
    await server.close();
    expect(await connection.closed).toBeUndefined();
  });
});
