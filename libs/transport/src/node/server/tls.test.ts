import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiVersionsApi } from "@ottla/protocol";
import { createSystemRuntime } from "@ottla/runtime";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseAddress } from "../../address.ts";
import { BrokerConnection } from "../../client/broker-connection.ts";
import { testServers } from "../../test-support/servers.ts";
import { apiVersionsRequest, RawClient } from "../../test-support/sockets.ts";
import { turns } from "../../test-support/support.ts";
import { createNodeConnector } from "../platform.ts";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasOpenssl())("a listener with TLS", () => {
  const runtime = createSystemRuntime();
  const servers = testServers();
  let directory = "";
  let key = "";
  let cert = "";

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "ottla-tls-"));
    const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const args = ["req", "-x509", ...curve, "-nodes", "-keyout", keyFile, "-out", certFile, "-days", "2", ...subject];
    execFileSync("openssl", args, { stdio: "ignore" });
    key = readFileSync(keyFile, "utf8");
    cert = readFileSync(certFile, "utf8");
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(() => servers.closeAll());

  const start = () => servers.start({ listener: { name: "SSL", tls: { key, cert } } });

  test.each(["localhost:PORT", "wss://localhost:PORT/kafka"])("serves Kafka at %s", async (template) => {
    const { port, requests } = await start();
    const address = parseAddress(template.replace("PORT", String(port)));
    const connector = createNodeConnector(runtime, { tls: { ca: cert } });
    const connection = await BrokerConnection.open({ address, connector, runtime, clientId: null });
    await connection.request(apiVersionsApi, {});
    expect(requests[0]!.connection.listenerName).toBe("SSL");
    if (address.url) expect(requests[0]!.connection.advertised.url).toBe(address.url);
    await connection.close();
  });

  test("serves HTTPS", async () => {
    const { port } = await start();
    const body = await new Promise<string>((resolve, reject) => {
      get({ port, host: "localhost", path: "/health", ca: cert }, (response) => {
        response.setEncoding("utf8").on("data", resolve);
      }).on("error", reject);
    });
    expect(body).toBe("you asked for /health");
  });

  test.each(["localhost:PORT", "wss://localhost:PORT"])("is not trusted blindly at %s", async (template) => {
    const { port } = await start();
    const address = parseAddress(template.replace("PORT", String(port)));
    const opening = createNodeConnector(runtime, { tls: {} }).connect(address, { timeoutMs: 5_000 });
    await expect(opening).rejects.toThrow(/self.signed/);
  });

  test("closes a client without TLS with one line", async () => {
    const { port, lines } = await start();
    const client = await RawClient.connect(port);
    client.send(apiVersionsRequest(1));
    await client.closed;
    await turns();
    expect(lines()).toMatchObject([
      { fields: { listener: "SSL", reason: expect.stringContaining("TLS handshake failed") } },
    ]);
  });

  test("drains", async () => {
    const { port, server } = await start();
    const connector = createNodeConnector(runtime, { tls: { ca: cert } });
    const address = { host: "localhost", port };
    const connection = await BrokerConnection.open({ address, connector, runtime, clientId: null });
    await server.close();
    expect(await connection.closed).toBeUndefined();
    expect(server.connectionCount).toBe(0);
  });
});
