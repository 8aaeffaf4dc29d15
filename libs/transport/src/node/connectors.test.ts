import { type AddressInfo, createServer, type Socket } from "node:net";
import { createSimulatedRuntime, createSystemRuntime } from "@ottla/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { parseAddress } from "../address.ts";
import { createDefaultConnector } from "../connector.ts";
import { testServers } from "../test-support/servers.ts";
import { turns } from "../test-support/support.ts";
import { createWebSocketConnector } from "../websocket-connector.ts";
import { createNodeConnector } from "./platform.ts";

const runtime = createSystemRuntime();
const servers = testServers();
afterEach(() => servers.closeAll());

describe("the Node.js connector", () => {
  test.each(["tcp", "websocket"])("is the default one, and chooses %s by the address", async (kind) => {
    const { port } = await servers.start();
    const address = parseAddress(kind === "tcp" ? `localhost:${port}` : `ws://localhost:${port}`);
    const channel = await createDefaultConnector(runtime).connect(address, { timeoutMs: 5_000 });
    expect(channel.kind).toBe(kind);
    channel.destroy();
  });

  test.each([
    { address: "127.0.0.1:PORT", says: "nothing listens there" },
    { address: "ws://127.0.0.1:PORT", says: "nothing listens there" },
    { address: "no-such-host.invalid:9092", says: "no-such-host.invalid:9092: the host name" },
  ])("says why $address cannot be reached", async ({ address, says }) => {
    const { port, server } = await servers.start();
    await server.close();
    const opening = createNodeConnector(runtime).connect(parseAddress(address.replace("PORT", String(port))), {
      timeoutMs: 10_000,
    });
    await expect(opening).rejects.toThrow(says);
    await expect(opening).rejects.toMatchObject({ code: "NETWORK_EXCEPTION", errno: 13, retriable: true });
  });

  test.each(["PORT", "ws://127.0.0.1:PORT"])("gives up in time, and when told to (%s)", async (template) => {
    const accepted: Socket[] = [];
    const silent = createServer((socket) => void accepted.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const simulated = createSimulatedRuntime(1);
    // A TCP connection to a silent server stands at once: only TLS waits for an answer.
    const isTcp = template === "PORT";
    const connector = createNodeConnector(simulated, isTcp ? { tls: {} } : {});
    const address = isTcp ? { host: "127.0.0.1", port } : parseAddress(template.replace("PORT", String(port)));
    const slow = connector.connect(address, { timeoutMs: 1_000 }).catch((error: unknown) => error);
    await turns(20);
    await simulated.advance(1_000);
    expect(await slow).toMatchObject({
      code: "REQUEST_TIMED_OUT",
      retriable: true,
      message: expect.stringContaining("1000 ms"),
    });
    const controller = new AbortController();
    const aborted = connector
      .connect(address, { timeoutMs: 1_000, signal: controller.signal })
      .catch((error: unknown) => error);
    controller.abort();
    expect(await aborted).toMatchObject({ code: "ABORTED" });
    const late = connector.connect(address, { timeoutMs: 1_000, signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: "ABORTED" });
    expect(simulated.pendingTimers).toBe(0);
    for (const socket of accepted) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe("a platform's WebSocket", () => {
  test("cannot reach a TCP address, and says what to write", async () => {
    const opening = createWebSocketConnector(runtime).connect({ host: "kafka", port: 9092 }, { timeoutMs: 1_000 });
    await expect(opening).rejects.toMatchObject({ code: "INVALID_CONFIG", retriable: false });
    await expect(opening).rejects.toThrow('use a WebSocket URL such as "ws://kafka:9092/kafka"');
  });
});
