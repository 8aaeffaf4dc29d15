import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { freePort } from "./free-port.ts";

afterEach(() => vi.restoreAllMocks());

it("gives a port that can be listened on, below those of outgoing connections", async () => {
  const port = await freePort();
  expect(port).toBeLessThan(32_768);
  const server = createServer().listen(port, "localhost");
  await once(server, "listening");
  server.close();
});

it("passes over a port that is taken", async () => {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port: taken } = server.address() as AddressInfo;
  const random = vi.spyOn(Math, "random").mockReturnValueOnce((taken - 10_000 + 0.5) / 22_768);
  expect(await freePort()).not.toBe(taken);
  expect(random.mock.calls.length).toBeGreaterThan(1);
  server.close();
});

it("gives another one each time", async () => {
  vi.spyOn(Math, "random").mockReturnValueOnce(0.5).mockReturnValueOnce(0.5);
  expect(await freePort()).not.toBe(await freePort());
});
