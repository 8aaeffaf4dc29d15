import { once } from "node:events";
import { connect } from "node:net";
import { createSystemRuntime } from "@ottla/runtime";
import type { HttpHandler } from "@ottla/transport";
import { freePort, startServer } from "@ottla/transport/node";
import { expect, it, onTestFinished } from "vitest";
import { EarlyProbes } from "./early-probes.ts";

const why: HttpHandler = () => ({ status: 503, headers: {}, body: "not yet" });

const answerOf = async (port: number) => {
  const response = await fetch(`http://localhost:${port}/ready`);
  return [response.status, await response.text()];
};

it("answer HTTP alone, until the port is to be another's", async () => {
  const port = await freePort();
  const probes = new EarlyProbes({ name: "PLAINTEXT", port }, why, 0);
  onTestFinished(() => probes.close());
  await expect.poll(() => answerOf(port).catch(() => null)).toEqual([503, "not yet"]);
  const client = connect(port, "localhost");
  client.write(new Uint8Array([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]));
  await once(client, "close");
  await probes.close();
  const runtime = createSystemRuntime();
  const listeners = [{ name: "PLAINTEXT", port, protocols: ["http"] as const }];
  const server = await startServer({ listeners, handler: () => {}, runtime });
  await server.close();
});

it("leave a port alone that is in use, or that the system chooses", async () => {
  const runtime = createSystemRuntime();
  const listeners = [{ name: "PLAINTEXT", port: 0, protocols: ["http"] as const }];
  const server = await startServer({ listeners, handler: () => {}, runtime });
  onTestFinished(() => server.close());
  const inUse = new EarlyProbes({ name: "PLAINTEXT", port: server.listeners[0]!.port }, why, 0);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await inUse.close();
  const unknown = new EarlyProbes({ name: "PLAINTEXT", port: 0 }, why, 0);
  await unknown.close();
});

it("do nothing for a start that is over before", async () => {
  const port = await freePort();
  const probes = new EarlyProbes({ name: "PLAINTEXT", port }, why);
  await probes.close();
  await expect(fetch(`http://localhost:${port}/ready`)).rejects.toThrow("fetch failed");
});
