import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Admin } from "@ottla/admin";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { launchBrowser, openSdkPage } from "../harness/browser.ts";
import { external } from "../harness/external.ts";

/** What a page of another origin tries against the broker that a developer runs locally. */
async function attack(broker: { http: string; ws: string }) {
  const attempts: Record<string, string> = {};
  const read = async (name: string, options: RequestInit) => {
    try {
      const response = await fetch(`${broker.http}/health`, options);
      attempts[name] = response.type === "opaque" ? "opaque" : `read: ${await response.text()}`;
    } catch {
      attempts[name] = "refused";
    }
  };
  await read("get", {});
  await read("get without cors", { mode: "no-cors" });
  await read("post", { method: "POST", body: "x" });
  // A request whose body is a Kafka frame must never be taken for Kafka.
  const deleteTopics = new Uint8Array([0, 0, 0, 30, 0, 20, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 1, 0, 6]);
  await read("post of kafka bytes", { method: "POST", mode: "no-cors", body: deleteTopics });
  for (const path of ["/kafka", "/"]) {
    for (const protocols of [[], ["kafka"], ["kafka.unordered"]]) {
      attempts[`websocket ${path} ${protocols}`] = await new Promise((resolve) => {
        const socket = new WebSocket(broker.ws + path, protocols);
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
      });
    }
  }
  return attempts;
}

describe.skipIf(external.chromium === null)("a page of another origin", () => {
  let broker: BrokerProcess;
  let browser: Browser;
  let foreign: Server;
  let page: Page;

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    await admin.createTopics([{ name: "precious", partitions: 1 }]);
    foreign = createServer((_, response) => response.setHeader("content-type", "text/html").end("<p>elsewhere</p>"));
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    browser = await launchBrowser();
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    foreign?.close();
    await broker?.stop();
  });

  for (const host of ["localhost", "127.0.0.1"]) {
    it(`can neither read, write nor delete anything at ${host}`, async () => {
      await page.goto(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`);
      const target = { http: `http://${host}:${broker.port}`, ws: `ws://${host}:${broker.port}` };
      const attempts = await page.evaluate(attack, target);
      for (const [name, outcome] of Object.entries(attempts)) expect.soft(outcome, name).toMatch(/refused|opaque/);
      await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
      expect((await admin.listTopics()).map(({ name }) => name)).toEqual(["precious"]);
    });
  }

  it("is let in when allowed.origins names it", async () => {
    const origin = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
    await using open = await BrokerProcess.start({ args: ["--set", `allowed.origins=${origin}`] });
    const errors: string[] = [];
    await (await openSdkPage(browser, `http://localhost:${open.port}`, errors)).close();
    await page.goto(origin);
    const attempts = await page.evaluate(attack, {
      http: `http://localhost:${open.port}`,
      ws: `ws://localhost:${open.port}`,
    });
    expect(attempts["websocket /kafka kafka"]).toBe("open");
    expect(attempts.get).toMatch(/^read/);
    expect(errors).toEqual([]);
  });
});
