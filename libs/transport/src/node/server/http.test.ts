import { get } from "node:http";
import { encodeRequest, metadataApi } from "@ottla/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, exchangeRaw, httpRequest, upgrade } from "../../test-support/sockets.ts";
import { concat } from "../../test-support/support.ts";

const servers = testServers();
afterEach(() => servers.closeAll());

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

describe("a page of another origin", () => {
  const EVIL = { Host: "localhost:9092", Origin: "https://evil.com" };

  test.each(["GET", "POST", "PUT", "DELETE", "OPTIONS"])("may not %s", async (method) => {
    const { port, lines } = await servers.start();
    const text = await exchangeRaw(port, httpRequest(`${method} /health`, { ...EVIL, "Content-Length": "0" }));
    expect(statusOf(text)).toBe(403);
    expect(text).toContain("allowed.origins=https://evil.com");
    expect(text.toLowerCase()).not.toContain("access-control-allow-origin");
    expect(lines()).toMatchObject([{ level: "warn", message: "Refusing a web page" }]);
  });

  test("may not open a WebSocket", async () => {
    const { port, lines } = await servers.start();
    const result = await upgrade(`ws://localhost:${port}/kafka`, { origin: "https://evil.com" });
    expect(result).toMatchObject({ status: 403, body: expect.stringContaining("allowed.origins=https://evil.com") });
    expect(lines().length).toBe(1);
  });

  test("may neither by a name that it points at this machine", async () => {
    const { port } = await servers.start();
    const host = `evil.com:${port}`;
    const headers = { Host: host };
    const result = await upgrade(`ws://localhost:${port}/kafka`, { origin: `http://${host}`, headers });
    expect(result.status).toBe(403);
    expect(statusOf(await exchangeRaw(port, httpRequest("GET /", headers)))).toBe(403);
    const page = { ...headers, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" };
    expect(statusOf(await exchangeRaw(port, httpRequest("POST /", { ...page, "Content-Length": "0" })))).toBe(403);
  });

  test.each([
    { name: "refused", headers: { Host: "localhost", Origin: "https://evil.com" } },
    { name: "of no origin", headers: { Host: "localhost" } },
    { name: "of our own", headers: { Host: "localhost", Origin: "http://localhost" } },
  ])("cannot smuggle Kafka in the body of a POST ($name)", async ({ headers }) => {
    const { port, requests } = await servers.start();
    const produce = concat(encodeRequest(metadataApi, 1, { correlationId: 1, clientId: null }, { topics: [] }));
    for (const body of [latin1(apiVersionsRequest(1)), latin1(produce).repeat(1000)]) {
      for (const length of [body.length, 0, 1]) {
        const withLength = { ...headers, "Content-Type": "text/plain", "Content-Length": String(length) };
        const client = httpRequest("POST /kafka", withLength, "");
        await exchangeRaw(port, Buffer.from(client + body, "latin1"));
      }
    }
    expect(requests).toEqual([]);
  });

  test.each([
    { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" },
    { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" },
  ])("may not embed us: %o", async (headers) => {
    const { port } = await servers.start();
    const text = await exchangeRaw(port, httpRequest("GET /health", { Host: "localhost", ...headers }));
    expect(statusOf(text)).toBe(403);
  });

  test("may, once allowed.origins names it, also while the server runs", async () => {
    const allowed: string[] = [];
    const { port } = await servers.start({ allowedOrigins: () => allowed });
    const origin = "https://app.example.com";
    const open = () => upgrade(`ws://localhost:${port}/kafka`, { origin });
    expect((await open()).status).toBe(403);
    allowed.push(origin);
    const result = await open();
    expect(result.status).toBe(101);
    result.webSocket?.terminate();
    const text = await exchangeRaw(port, httpRequest("GET /health", { Host: "localhost", Origin: origin }));
    expect(statusOf(text)).toBe(200);
    expect(text).toContain(`access-control-allow-origin: ${origin}`);
    const preflight = await exchangeRaw(port, httpRequest("OPTIONS /health", { Host: "localhost", Origin: origin }));
    expect(statusOf(preflight)).toBe(204);
  });
});

describe("a page of our own", () => {
  test.each(["localhost", "127.0.0.1", "[::1]"])("on %s may do everything", async (host) => {
    const { port } = await servers.start();
    const origin = `http://${host}:${port}`;
    const result = await upgrade(`ws://${host}:${port}/kafka`, { origin });
    expect(result.status).toBe(101);
    result.webSocket?.terminate();
    const response = await fetch(`${origin}/x`, { headers: { origin } });
    expect(await response.text()).toBe("you asked for /x");
  });

  test("may by an advertised name", async () => {
    const { port } = await servers.start({ listener: { advertised: { host: "kafka.lan", port: 9092 } } });
    const headers = { Host: "kafka.lan:9092" };
    const result = await upgrade(`ws://localhost:${port}/kafka`, { origin: "http://kafka.lan:9092", headers });
    expect(result.status).toBe(101);
    result.webSocket?.terminate();
  });

  test.each([
    { host: undefined, name: "kafka", status: 403 },
    { host: undefined, name: "192.168.1.5", status: 403 },
    { host: "0.0.0.0", name: "kafka", status: 200 },
    { host: "0.0.0.0", name: "192.168.1.5", status: 200 },
    { host: "0.0.0.0", name: "evil.com", status: 403 },
  ])("bound to $host by the name $name: $status", async ({ host, name, status }) => {
    const { port } = await servers.start({ listener: { host } });
    expect(statusOf(await exchangeRaw(port, httpRequest("GET /", { Host: `${name}:${port}` })))).toBe(status);
  });
});

describe("HTTP", () => {
  test("passes method, path, query, headers and address to the handler, and its answer back", async () => {
    let seen: unknown;
    const { port } = await servers.start({
      http: async (request) => {
        seen = { ...request, query: [...request.query], headers: request.headers.get("x-test") };
        return { status: 418, headers: { "content-type": "text/css", etag: "1" }, body: Uint8Array.of(65, 66) };
      },
    });
    const response = await fetch(`http://127.0.0.1:${port}/a%20b/c?q=1&q=2`, { headers: { "x-test": "yes" } });
    expect(seen).toMatchObject({
      method: "GET",
      path: "/a%20b/c",
      query: [
        ["q", "1"],
        ["q", "2"],
      ],
      headers: "yes",
      remoteAddress: "127.0.0.1",
    });
    expect(response.status).toBe(418);
    expect(response.headers.get("content-type")).toBe("text/css");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toBe("AB");
  });

  test("writes text in pieces as the client takes it, and goes on with other work in between", async () => {
    const PIECES = 300;
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown) => warnings.push(warning);
    process.on("warning", onWarning);
    let turns = 0;
    const turnsAtPiece: number[] = [];
    const { port } = await servers.start({
      http: () => ({
        status: 200,
        body: (function* () {
          for (let piece = 0; piece < PIECES; piece++) {
            turnsAtPiece.push(turns);
            yield `${piece}`.padEnd(16_384, ".");
          }
        })(),
      }),
    });
    const ticking = setInterval(() => turns++, 0);
    const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    clearInterval(ticking);
    process.off("warning", onWarning);
    expect(text.length).toBe(PIECES * 16_384);
    expect(text.slice(-16_384)).toMatch(/^299\.+$/);
    expect(turnsAtPiece.at(-1)).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  });

  test("stops asking for pieces when the client has gone", async () => {
    let asked = 0;
    const { port } = await servers.start({
      http: () => ({
        status: 200,
        body: (function* () {
          for (;;) {
            asked++;
            yield ".".repeat(65_536);
          }
        })(),
      }),
    });
    const gone = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal: gone.signal });
    await response.body!.getReader().read();
    gone.abort();
    let before = -1;
    while (asked !== before) {
      before = asked;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(asked).toBeGreaterThan(0);
  });

  test("HEAD has the headers of GET and no body", async () => {
    const { port } = await servers.start();
    const text = await exchangeRaw(port, httpRequest("HEAD /page", { Host: "localhost" }));
    expect(text).toContain("content-length: 19");
    expect(text.endsWith("\r\n\r\n")).toBe(true);
  });

  test("a handler that fails answers 500, with one line", async () => {
    const { port, lines } = await servers.start({ http: () => Promise.reject(new Error("bug")) });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("bug");
    expect(lines()).toMatchObject([{ level: "error" }]);
  });

  test("whose headers are too large is 431", async () => {
    const { port } = await servers.start();
    const text = await exchangeRaw(port, httpRequest("GET /", { Host: "localhost", Cookie: "x".repeat(20_000) }));
    expect(text).toMatch(
      /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n[\s\S]*headers of this request are too large/,
    );
  });

  test("what is no HTTP after all is 400", async () => {
    const { port } = await servers.start();
    expect(statusOf(await exchangeRaw(port, "NONSENSE\r\n\r\n"))).toBe(400);
    expect(statusOf(await exchangeRaw(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))).toBe(400);
    expect(statusOf(await exchangeRaw(port, httpRequest("GET http://evil.com/", { Host: "localhost" })))).toBe(400);
  });

  test("a large answer arrives whole", async () => {
    const body = new Uint8Array(5_000_000).fill(7);
    const { port } = await servers.start({ http: () => ({ status: 200, body }) });
    const received = await new Promise<number>((resolve) => {
      get({ port, host: "127.0.0.1" }, (response) => {
        let total = 0;
        response.on("data", (chunk: Buffer) => {
          total += chunk.length;
        });
        response.on("end", () => resolve(total));
      });
    });
    expect(received).toBe(5_000_000);
  });
});
