import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { externalPrograms } from "../../../fetch/external-programs.mjs";

/** Chromium without anything that reaches for other hosts. */
const CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

export function hasChromium(): boolean {
  return externalPrograms.chromium.find() !== null;
}

/** What {@link openClientPage} puts on the page, under this global name. */
export interface PageGlobals {
  readonly createOttlaClient: typeof import("../clients/ottla-client.ts").createOttlaClient;
}

export function launchChromium(): Promise<Browser> {
  const executablePath = externalPrograms.chromium.find() ?? undefined;
  return chromium.launch({ ...(executablePath && { executablePath }), args: CHROMIUM_ARGS });
}

/** A page of the broker's own origin with our client of this benchmark, as a bundler makes it for web pages. */
export async function openClientPage(port: number): Promise<{ readonly browser: Browser; readonly page: Page }> {
  const browser = await launchChromium();
  // The broker's page forbids foreign scripts.
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`http://localhost:${port}/health`);
  await page.addScriptTag({ content: await bundleClient() });
  return { browser, page };
}

async function bundleClient(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL("../clients/ottla-client.js", import.meta.url))],
    bundle: true,
    format: "iife",
    globalName: "bench",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return result.outputFiles[0]!.text;
}
