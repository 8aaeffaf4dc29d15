import type { Browser, Page } from "playwright-core";
import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { hasChromium, launchChromium } from "../processes/browser.ts";

/** What a page's own timeline says, in milliseconds since the navigation began. */
type Moment = (page: Page) => Promise<number>;

const firstPaint: Moment = async (page) => {
  const painted = await page.waitForFunction(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  return (await painted.jsonValue()) ?? Number.NaN;
};

const figuresShown: Moment = async (page) => {
  await page.locator(".figures").first().waitFor();
  return page.evaluate(() => performance.now());
};

/** Each load has a browser's profile of its own: nothing is cached. */
function load(name: string, browser: Browser, url: string, moment: Moment): Contestant {
  return {
    name,
    async measure() {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(url, { waitUntil: "commit" });
        return { figure: await moment(page) };
      } finally {
        await context.close();
      }
    },
  };
}

async function* rows({ quick }: Effort): AsyncIterable<Row> {
  if (!hasChromium()) {
    console.error("  SKIPPED: Chromium is absent");
    return;
  }
  const broker = await BrokerUnderTest.start();
  const browser = await launchChromium();
  try {
    const origin = `http://localhost:${broker.port}`;
    const text = load("a line of text", browser, `${origin}/health`, firstPaint);
    yield {
      name: "first contentful paint on localhost, nothing cached (the console's bound is 300 ms)",
      unit: "ms",
      better: "less",
      baseline: text.name,
      repetitions: quick ? 3 : 10,
      contestants: [
        text,
        load("ottla console", browser, `${origin}/`, firstPaint),
        load("ottla console, the broker's figures are shown", browser, `${origin}/`, figuresShown),
      ],
    };
  } finally {
    await browser.close();
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "first-paint",
  description: "how soon a browser shows the console",
  quietSeconds: { quick: 5, full: 10 },
  inQuick: false,
  rows,
};
export default scenario;
