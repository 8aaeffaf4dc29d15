import type { Contestant, Effort, Row, Scenario } from "../harness/scenario.ts";
import { BrokerUnderTest } from "../processes/broker.ts";
import { hasChromium, launchChromium } from "../processes/browser.ts";

/** From navigation to the first paint with something in it, as the page's own timeline has it. */
function firstPaint(broker: BrokerUnderTest): Contestant {
  return {
    name: "ottla console",
    async measure() {
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.goto(`http://localhost:${broker.port}/`);
        const painted = await page.waitForFunction(
          () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
        );
        const figure = (await painted.jsonValue()) ?? Number.NaN;
        return { figure };
      } finally {
        await browser.close();
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
  try {
    const console = firstPaint(broker);
    yield {
      name: "the console's first contentful paint on localhost, nothing cached (the bound is 300 ms)",
      unit: "ms",
      better: "less",
      baseline: console.name,
      repetitions: quick ? 3 : 10,
      contestants: [console],
    };
  } finally {
    await broker.stop();
  }
}

const scenario: Scenario = {
  name: "first-paint",
  description: "how soon a browser shows the console",
  quietSeconds: { quick: 10, full: 25 },
  inQuick: false,
  rows,
};
export default scenario;
