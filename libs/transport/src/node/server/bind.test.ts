import { createSystemRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, RawClient } from "../../test-support/sockets.ts";
import { ListenError } from "./bind.ts";
import { startServer } from "./start-server.ts";

const servers = testServers();
afterEach(() => servers.closeAll());

async function isServed(port: number, host: string): Promise<boolean> {
  const client = await RawClient.connect(port, host);
  client.send(apiVersionsRequest(1));
  await client.until(() => client.received.length > 0);
  client.socket.destroy();
  return client.received.length > 0;
}

describe("binding", () => {
  test("without a host takes both loopback addresses, on one port", async () => {
    const { server, port } = await servers.start();
    expect(server.listeners[0]).toMatchObject({ name: "PLAINTEXT", host: "127.0.0.1", hosts: ["127.0.0.1", "::1"] });
    expect(await isServed(port, "127.0.0.1")).toBe(true);
    expect(await isServed(port, "::1")).toBe(true);
  });

  test("to one address takes that alone", async () => {
    const { server, port } = await servers.start({ listener: { host: "127.0.0.1" } });
    expect(server.listeners[0]!.hosts).toEqual(["127.0.0.1"]);
    await expect(RawClient.connect(port, "::1")).rejects.toThrow();
  });

  test("to the wildcard takes all", async () => {
    const { port } = await servers.start({ listener: { host: "::" } });
    expect(await isServed(port, "127.0.0.1")).toBe(true);
    expect(await isServed(port, "::1")).toBe(true);
  });

  test("says which listener and port are taken, and leaves nothing open", async () => {
    const { port } = await servers.start();
    const options = { handler: () => {}, runtime: createSystemRuntime() };
    const taken = { name: "SECOND", port, protocols: ["kafka"] } as const;
    const free = { name: "FIRST", port: 0, protocols: ["kafka"] } as const;
    const starting = startServer({ ...options, listeners: [free, taken] });
    await expect(starting).rejects.toThrow(`Listener SECOND cannot be opened on 127.0.0.1:${port}: the port is in use`);
    await expect(starting).rejects.toMatchObject({ code: "EADDRINUSE", retriable: false });
    await expect(starting).rejects.toBeInstanceOf(ListenError);
  });

  test.each([
    { host: "203.0.113.7", says: "this machine has no such address" },
    { host: "no-such-host.invalid", says: "cannot be opened on no-such-host.invalid:0" },
  ])("to $host says what is wrong", async ({ host, says }) => {
    await expect(servers.start({ listener: { host } })).rejects.toThrow(says);
  });

  test("serves several listeners, each with its name", async () => {
    const names: string[] = [];
    const server = await startServer({
      listeners: [
        { name: "INTERNAL", port: 0, protocols: ["kafka"] },
        { name: "EXTERNAL", port: 0, protocols: ["kafka"] },
      ],
      handler: (request) => {
        names.push(request.connection.listenerName);
        request.respond([Uint8Array.of(0, 0, 0, 0)]);
      },
      runtime: createSystemRuntime(),
    });
    for (const { port } of server.listeners) await isServed(port, "127.0.0.1");
    await server.close();
    expect(names).toEqual(["INTERNAL", "EXTERNAL"]);
  });

  test("refuses a socket.request.max.bytes that could be text", async () => {
    await expect(servers.start({ limits: { maxRequestBytes: 0x41000000 } })).rejects.toThrow(
      "socket.request.max.bytes",
    );
  });
});
