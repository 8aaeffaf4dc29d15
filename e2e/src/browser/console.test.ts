import { Admin } from "@ottla/admin";
import { Producer } from "@ottla/producer";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { launchBrowser } from "../harness/browser.ts";
import { external } from "../harness/external.ts";

const QUAKE = { time: 1_700_000_000_000, depthKm: 12, latitude: 35.1, longitude: 139.2 };

/** A few records of each topic that the page draws. */
async function feed(bootstrapServers: string): Promise<void> {
  await using producer = new Producer({ bootstrapServers });
  const json = (topic: string, values: readonly object[]) =>
    values.map((value) => ({ topic, value: JSON.stringify(value) }));
  const readings = Array.from({ length: 20 }, (_, index) => Date.now() - (20 - index) * 1_000).flatMap(
    (time, index) => [
      { source: "cpu", time, usedPercent: 40 + index },
      { source: "memory", time, usedPercent: 70 },
      { source: "network", time, receivedBytesPerSecond: 5_000_000, sentBytesPerSecond: 1_000 },
    ],
  );
  await producer.send([
    ...json("demo.earthquakes", [
      { ...QUAKE, id: "a", magnitude: 6.1, place: "Near the Coast of Honshu" },
      { ...QUAKE, id: "b", magnitude: 2.5, place: "Elsewhere" },
    ]),
    ...json("demo.metrics", readings),
    ...json("demo.flights", [
      { departureHour: 6.5, distanceMiles: 700, delayMinutes: 90 },
      { departureHour: 6.75, distanceMiles: 900, delayMinutes: -5 },
    ]),
    // Anyone may write anything; the page goes on.
    { topic: "demo.earthquakes", value: "not JSON" },
    { topic: "demo.metrics", value: null },
  ]);
}

/** How many pixels of a canvas are painted. */
function paintedPixels(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  });
}

describe.skipIf(external.chromium === null)("the live demo of the console", () => {
  let broker: BrokerProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const errors: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    broker = await BrokerProcess.start();
    browser = await launchBrowser();
    context = await browser.newContext({ viewport: { width: 1_300, height: 900 }, colorScheme: "dark" });
    page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`http://localhost:${broker.port}/#/live`);
  });
  afterAll(async () => {
    await browser?.close();
    await broker?.stop();
  });

  const status = (name: string) => page.locator(".feed-status", { hasText: name }).waitFor({ timeout: 20_000 });

  it("works on a broker without the demo's topics, and says where the data is", async () => {
    await status("Live");
    await page.locator(".hint", { hasText: "npm start" }).waitFor();
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    expect(await admin.listTopics()).toEqual([]);
  });

  it("shows a record that it writes as it comes back, with its partition and offset", async () => {
    for (const [offset, value] of ["first", "second"].entries()) {
      await page.fill("input[name=key]", "me");
      await page.fill("input[name=value]", value);
      await page.click(".notes button");
      await page.locator("output", { hasText: `partition 0 at offset ${offset}` }).waitFor();
      const row = page.locator(".note-list li", { hasText: value });
      await row.waitFor({ timeout: 20_000 });
      expect(await row.textContent()).toContain(`0/${offset}`);
    }
  });

  it("draws what others write, as soon as the topics are there", async () => {
    await feed(broker.bootstrapServers);
    await page.locator(".quakes", { hasText: "Near the Coast of Honshu" }).waitFor({ timeout: 20_000 });
    await page.locator(".metrics .legend", { hasText: "CPU 59%" }).waitFor();
    await page.locator(".metrics .legend", { hasText: "5.0 MB/s" }).waitFor();
    await page.locator(".flights", { hasText: "departing at 6:45, 50% over 15 minutes late" }).waitFor();
    await page.locator(".hint").waitFor({ state: "detached" });
    expect(await paintedPixels(page, ".map canvas")).toBeGreaterThan(10_000);
    expect(await paintedPixels(page, ".plot canvas")).toBeGreaterThan(500);
    expect(await page.locator(".uplot canvas").count()).toBe(2);
  });

  it("is a consumer that the broker knows, and leaves when the page goes", async () => {
    await using admin = new Admin({ bootstrapServers: broker.bootstrapServers });
    const groups = async () => (await admin.listGroups()).filter(({ groupId }) => groupId.startsWith("ottla-console-"));
    const other = await context.newPage();
    await other.goto(`http://localhost:${broker.port}/#/live`);
    await other.locator(".feed-status", { hasText: "Live" }).waitFor({ timeout: 20_000 });
    const before = await groups();
    expect(new Set(before.map(({ groupId }) => groupId)).size).toBe(2);
    await other.goto("about:blank");
    await expect.poll(async () => (await groups()).filter(({ state }) => state === "Stable").length).toBe(1);
    await other.close();
  });

  it("goes on when the broker comes back, and has lost nothing", async () => {
    const { port, dataDirectory } = broker;
    await broker.kill();
    await status("Reconnecting");
    broker = await BrokerProcess.start({ port, dataDirectory });
    await status("Live");
    await page.fill("input[name=value]", "after the restart");
    await page.click(".notes button");
    await page.locator(".note-list li", { hasText: "after the restart" }).waitFor({ timeout: 20_000 });
    expect(await page.locator(".note-list .place").allInnerTexts()).toEqual(["0/2", "0/1", "0/0"]);
  });

  it("loads nothing from elsewhere, and fails nowhere", () => {
    const elsewhere = requests.filter((url) => new URL(url).host !== `localhost:${broker.port}`);
    expect([elsewhere, errors]).toEqual([[], []]);
  });
});
