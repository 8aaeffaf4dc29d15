import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startTestBroker, type TestBroker } from "@ottla/testing";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchBrowser } from "../harness/browser.ts";
import { external } from "../harness/external.ts";

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

describe.skipIf(external.chromium === null)("the examples' pages, built by vite, in Chromium", () => {
  let browser: Browser;
  let directory: string;
  let server: Server;
  let origin: string;
  let broker: TestBroker;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "ottla-examples-"));
    server = createServer((request, response) => {
      const path = request.url === "/" ? "/index.html" : request.url!;
      response.setHeader("content-type", TYPES[extname(path)] ?? "text/plain");
      createReadStream(join(directory, path))
        .on("error", () => response.writeHead(404).end())
        .pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await broker?.close();
    server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await broker?.close();
    broker = await startTestBroker({
      topics: [{ name: "chat", partitions: 2 }, "orders"],
      config: { "allowed.origins": origin },
    });
  });

  /** The page as vite builds it, for this broker. */
  async function open(example: string): Promise<Page> {
    await build({
      root: fileURLToPath(new URL(`../../../examples/${example}`, import.meta.url)),
      define: { "import.meta.env.VITE_BOOTSTRAP_SERVERS": JSON.stringify(broker.webSocketUrl) },
      build: { outDir: directory, emptyOutDir: true },
      logLevel: "error",
    });
    const page = await browser.newPage();
    page.on("pageerror", (error) => expect.fail(String(error)));
    await page.goto(origin);
    return page;
  }

  const items = (page: Page) => page.locator("li").allTextContents();

  it("browser: messages go out and come in, and a reload goes on where the page was", async () => {
    const page = await open("browser");
    await page.getByLabel("Message").fill("hello");
    await page.getByRole("button").click();
    await page.getByText("hello").waitFor();
    expect(await broker.records("chat", { count: 1 })).toMatchObject([{ value: "hello" }]);

    await page.reload();
    await broker.produce("chat", "hello to you");
    await page.getByText("hello to you").waitFor();
    expect(await items(page)).toEqual(["hello", "hello to you"]);
    await page.close();
  });

  it("react: a component shows what is in a topic, and what comes", async () => {
    await broker.produce("orders", ["first", "second"]);
    const page = await open("react");
    await page.getByText("second").waitFor();
    expect(await items(page)).toEqual(["second", "first"]);
    await page.getByRole("button", { name: "Order" }).click();
    await page.getByText("order of").waitFor();
    expect(await broker.records("orders")).toHaveLength(3);
    await page.close();
  });
});
