// Takes the pictures of the console in docs/images: `npm run screenshots`. Needs Chromium and what `npm run build` makes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { externalPrograms } from "../fetch/external-programs.mjs";
import { liveCluster } from "./cluster.mjs";
import { withPalette } from "./palette-png.mjs";
import { threeBrokers } from "./three-brokers.mjs";

const DIRECTORY = process.argv[2] ?? fileURLToPath(new URL("../../docs/images/", import.meta.url));
const OTTLA = fileURLToPath(new URL("../../apps/cli/bin/ottla.cjs", import.meta.url));
const DEMO = fileURLToPath(new URL("../demo/dist/main.js", import.meta.url));
const DESKTOP = { width: 1_360, height: 860 };
const PHONE = { width: 390, height: 780 };

/** Each view with what must be there before the picture is taken, and how long it is left to fill. */
const VIEWS = {
  overview: { hash: "#/", waitFor: ".charts .uplot", restMs: 12_000 },
  topics: { hash: "#/topics", waitFor: ".virtual-row", restMs: 5_000 },
  messages: { hash: "#/topics/orders", waitFor: ".virtual-row", open: ".virtual-row >> nth=2" },
  configs: { hash: "#/topics/orders/configs", waitFor: ".configs li" },
  group: { hash: "#/groups/billing", waitFor: ".assignment li", restMs: 5_000 },
  clients: { hash: "#/clients", waitFor: ".virtual-row", restMs: 3_000 },
  transactions: { hash: "#/transactions", waitFor: ".open-transactions .badge.bad" },
  cluster: { hash: "#/cluster", waitFor: ".troubles .badge.bad", restMs: 3_000 },
  live: { hash: "#/live", waitFor: ".feed-status.live", restMs: 25_000 },
};

const browser = await chromium.launch({
  executablePath: externalPrograms.chromium.find(),
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await mkdir(DIRECTORY, { recursive: true });
  await oneBroker();
  await severalBrokers();
  await demo();
} finally {
  await browser.close();
}

/** A broker with something going on. */
async function oneBroker() {
  const configs = ["group.initial.rebalance.delay.ms=0", "transaction.partition.verification.enable=false"];
  const args = [OTTLA, "broker", "--port", "0", "--memory", ...configs.flatMap((config) => ["--set", config])];
  const broker = await started(args, {}, /^ready localhost:(\d+)/);
  const cluster = await liveCluster(`localhost:${broker.port}`);
  try {
    await takeAll(broker.port, ["overview", "topics", "messages", "configs", "group", "clients"]);
    await takeAll(broker.port, ["overview", "messages"], { colorScheme: "dark" });
    await takeAll(broker.port, ["overview", "messages"], { viewport: PHONE });
    await cluster.leaveHungTransaction();
    await takeAll(broker.port, ["transactions"]);
  } finally {
    await cluster.close();
    await broker.stop();
  }
}

async function severalBrokers() {
  const cluster = await threeBrokers();
  if (cluster === null) {
    process.stderr.write("Without Java and ZooKeeper's jars there is no picture of a cluster.\n");
    return;
  }
  try {
    await takeAll(cluster.port, ["cluster"]);
  } finally {
    await cluster.close();
  }
}

/** What `npm start` shows. */
async function demo() {
  const data = await mkdtemp(join(tmpdir(), "ottla-pictures-"));
  const env = { OTTLA_DEMO_PORT: "0", OTTLA_DEMO_DATA: data };
  const broker = await started([DEMO], env, /localhost:(\d+)/);
  try {
    await takeAll(broker.port, ["live"], { colorScheme: "dark" });
  } finally {
    await broker.stop();
    await rm(data, { recursive: true, force: true });
  }
}

/** A process that says at which port it serves. */
async function started(args, env, portOf) {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  const port = await new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`${args[0]} did not start`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = portOf.exec(line);
      if (found) resolve(Number(found[1]));
    });
  });
  const stop = async () => {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { port, stop };
}

async function takeAll(port, names, { colorScheme = "light", viewport = DESKTOP } = {}) {
  const page = await browser.newPage({ viewport, colorScheme });
  await page.goto(`http://localhost:${port}/`);
  const suffix = viewport === PHONE ? "-phone" : colorScheme === "light" ? "" : `-${colorScheme}`;
  for (const name of names) {
    const view = VIEWS[name];
    await page.goto(`http://localhost:${port}/${view.hash}`);
    await page.locator(view.waitFor).first().waitFor({ timeout: 30_000 });
    await page.waitForTimeout(view.restMs ?? 1_500);
    if (view.open !== undefined && viewport !== PHONE) await page.click(view.open);
    await page.waitForTimeout(400);
    await writeFile(`${DIRECTORY}/console-${name}${suffix}.png`, await withPalette(page, await page.screenshot()));
  }
  await page.close();
}
