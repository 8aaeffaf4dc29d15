import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { external } from "./external.ts";

/** Chromium without anything that reaches for other hosts. */
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser(): Promise<Browser> {
  if (external.chromium === null) throw new Error("Chromium is absent");
  return chromium.launch({ executablePath: external.chromium, headless: true, args: CHROMIUM_ARGS });
}

/** A page that fetches all that it loads each time, as at a first visit; a context for each visit takes a second of CPU time more. */
export async function pageWithoutCache(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  return page;
}

/** Our SDKs bundled as a web page would bundle them, under the global name `ottla`. */
export async function bundleSdks(): Promise<string> {
  const result = await build({
    stdin: {
      contents: `export { Producer } from "@ottla/producer"; export { Consumer } from "@ottla/consumer"; export { Admin } from "@ottla/admin"; export { exactlyOnce } from "@ottla/exactly-once";`,
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
    },
    bundle: true,
    format: "iife",
    globalName: "ottla",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return file.text;
}

/** A page of the broker's own origin with the SDKs loaded. Errors of the page end up in `errors`. */
export async function openSdkPage(browser: Browser, origin: string, errors: string[]): Promise<Page> {
  // The broker's page forbids foreign scripts; this one is the test's.
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`${origin}/health`);
  await page.addScriptTag({ content: await bundleSdks() });
  return page;
}
