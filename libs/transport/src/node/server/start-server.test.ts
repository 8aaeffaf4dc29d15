import { apiVersionsApi, encodeResponse } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { afterEach, expect, test } from "vitest";
import { parseAddress } from "../../address.ts";
import { BrokerConnection } from "../../client/broker-connection.ts";
import type { InboundRequest } from "../../server/contract.ts";
import { createNodeConnector } from "../platform.ts";
import { type RunningServer, startServer } from "./start-server.ts";

const runtime = createSystemRuntime();
let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close({ graceMs: 0 });
  server = undefined;
});

function answerApiVersions(request: InboundRequest): void {
  const { correlationId, requestApiVersion } = request.header;
  const body = { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] };
  request.respond(encodeResponse(apiVersionsApi, requestApiVersion, correlationId, body));
}

test.each(["127.0.0.1:PORT", "[::1]:PORT", "ws://127.0.0.1:PORT", "ws://localhost:PORT/"])(
  "one port serves %s",
  async (template) => {
    server = await startServer({
      listeners: [{ name: "PLAINTEXT", port: 0, protocols: ["kafka", "http", "ws"] }],
      handler: answerApiVersions,
      http: ({ path }) => ({ status: 200, body: `you asked for ${path}` }),
      runtime,
    });
    const { port } = server.listeners[0]!;
    const address = parseAddress(template.replace("PORT", String(port)));
    const connection = await BrokerConnection.open({
      address,
      connector: createNodeConnector(runtime),
      runtime,
      clientId: "test",
    });
    const response = await connection.request(apiVersionsApi, {});
    expect(response.apiKeys).toHaveLength(1);
    const page = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await page.text()).toBe("you asked for /health");
    await connection.close();
  },
);
