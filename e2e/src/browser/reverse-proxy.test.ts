import { Admin } from "@ottla/admin";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { bundleSdks, launchBrowser } from "../harness/browser.ts";
import { Certificates, hasOpenssl } from "../harness/certificates.ts";
import { external } from "../harness/external.ts";
import { ReverseProxy } from "../harness/reverse-proxy.ts";

/** What `bundleSdks` puts on the page. */
declare const ottla: {
  readonly Producer: typeof import("@ottla/producer").Producer;
  readonly Consumer: typeof import("@ottla/consumer").Consumer;
};

describe.skipIf(external.chromium === null || !hasOpenssl)("behind a reverse proxy, as docs/browser.md has it", () => {
  let certificates: Certificates;
  let proxy: ReverseProxy;
  let broker: BrokerProcess;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    certificates = new Certificates();
    proxy = await ReverseProxy.start({ certificate: certificates.server, prefix: "/bus" });
    broker = await BrokerProcess.start({ args: ["--set", `advertised.listeners=wss://${proxy.host}/bus/kafka`] });
    proxy.targetPort = broker.port;
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    await admin.createTopics([{ name: "behind", partitions: 1 }]);
    browser = await launchBrowser();
    const context = await browser.newContext({ bypassCSP: true, ignoreHTTPSErrors: true });
    page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    await broker?.stop();
    certificates?.remove();
  });

  const address = () => `wss://${proxy.host}/bus/kafka`;

  it("nobody gets in who is not signed in, and the SDK says what it could not reach", async () => {
    expect((await page.goto(`https://${proxy.host}/bus/health`))!.status()).toBe(401);
    await page.addScriptTag({ content: await bundleSdks() });
    const failure = await page.evaluate(async (bootstrapServers) => {
      // A busy Chromium takes seconds to say that a WebSocket came to nothing.
      const producer = new ottla.Producer({ bootstrapServers, maxBlockMs: 4_000, deliveryTimeoutMs: 30_000 });
      const error = await producer.send({ topic: "behind", value: "v" }).catch((reason: Error) => reason);
      await producer.close();
      return String(error);
    }, address());
    expect(failure).toContain(proxy.host);
  });

  it("a page of the proxy's own address writes and reads, and goes on when the proxy has ended its connections", async () => {
    await page.goto(`https://${proxy.host}/sign-in`);
    expect((await page.goto(`https://${proxy.host}/bus/health`))!.status()).toBe(200);
    await page.addScriptTag({ content: await bundleSdks() });
    await page.exposeFunction("endConnections", () => proxy.endConnections());
    const read = await page.evaluate(async (bootstrapServers) => {
      const producer = new ottla.Producer({ bootstrapServers });
      const groupId = crypto.randomUUID();
      const topics = ["behind"];
      const consumer = new ottla.Consumer({ bootstrapServers, groupId, topics, autoOffsetReset: "earliest" });
      const values: (string | null)[] = [];
      await producer.send({ topic: "behind", value: "first" });
      for await (const { value } of consumer) {
        values.push(value);
        if (value === "second") break;
        await (globalThis as unknown as { endConnections: () => Promise<void> }).endConnections();
        await producer.send({ topic: "behind", value: "second" });
      }
      await consumer.close();
      await producer.close();
      return values;
    }, address());
    expect(read).toEqual(["first", "second"]);
  });

  it("the console is at home below the path", async () => {
    errors.length = 0;
    await page.goto(`https://${proxy.host}/bus/#/topics`);
    await page.getByText("behind", { exact: true }).first().waitFor();
    await page.goto(`https://${proxy.host}/bus/#/clients`);
    await page.getByText("ottla-console").first().waitFor();
    expect(errors).toEqual([]);
  });
});
