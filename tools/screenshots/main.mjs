// Takes the pictures of the console in docs/images: `npm run screenshots`. Needs Chromium and what `npm run build` makes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { externalPrograms } from "../fetch/external-programs.mjs";
import { liveCluster } from "./cluster.mjs";

const DIRECTORY = process.argv[2] ?? fileURLToPath(new URL("../../docs/images/", import.meta.url));
const OTTLA = fileURLToPath(new URL("../../apps/cli/bin/ottla.cjs", import.meta.url));

/** Each view with what must be there before the picture is taken. */
const VIEWS = [
  { name: "overview", hash: "#/", waitFor: ".charts .uplot", restMs: 12_000 },
  { name: "topics", hash: "#/topics", waitFor: ".virtual-row", restMs: 5_000 },
  { name: "messages", hash: "#/topics/orders", waitFor: ".virtual-row", open: ".virtual-row >> nth=2" },
  { name: "configs", hash: "#/topics/orders/configs", waitFor: ".configs li" },
  { name: "group", hash: "#/groups/billing", waitFor: ".assignment li" },
  { name: "clients", hash: "#/clients", waitFor: ".virtual-row" },
];

const broker = spawn(
  process.execPath,
  [OTTLA, "broker", "--port", "0", "--memory", "--set", "group.initial.rebalance.delay.ms=0"],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
const port = await new Promise((resolve, reject) => {
  broker.once("exit", () => reject(new Error("the broker did not start")));
  createInterface({ input: broker.stdout }).on("line", (line) => {
    const found = /^ready localhost:(\d+)/.exec(line);
    if (found) resolve(Number(found[1]));
  });
});
const cluster = await liveCluster(`localhost:${port}`);
const browser = await chromium.launch({
  executablePath: externalPrograms.chromium.find(),
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await mkdir(DIRECTORY, { recursive: true });
  await takeAll("light", { width: 1_360, height: 860 }, [
    "overview",
    "topics",
    "messages",
    "configs",
    "group",
    "clients",
  ]);
  await takeAll("dark", { width: 1_360, height: 860 }, ["overview", "messages"]);
  await takeAll("light", { width: 390, height: 780 }, ["overview", "messages"], "phone");
} finally {
  await browser.close();
  await cluster.close();
  broker.removeAllListeners("exit");
  broker.kill("SIGTERM");
  await once(broker, "exit");
}

async function takeAll(colorScheme, viewport, names, suffix = colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme });
  await page.goto(`http://localhost:${port}/`);
  for (const view of VIEWS.filter(({ name }) => names.includes(name))) {
    await page.goto(`http://localhost:${port}/${view.hash}`);
    await page.locator(view.waitFor).first().waitFor({ timeout: 20_000 });
    await page.waitForTimeout(view.restMs ?? 1_500);
    if (view.open !== undefined && viewport.width > 600) await page.click(view.open);
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${DIRECTORY}/console-${view.name}${suffix === "light" ? "" : `-${suffix}`}.png` });
  }
  await page.close();
}
