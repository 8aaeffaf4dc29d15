import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { externalPrograms } from "../../../fetch/external-programs.mjs";

/** Chromium without anything that reaches for other hosts. */
export const CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

export function hasChromium(): boolean {
  return externalPrograms.chromium.find() !== null;
}

/** The Debian one, or the one that Playwright manages. */
export function chromiumPath(): string {
  return externalPrograms.chromium.find() ?? chromium.executablePath();
}

/** What {@link bundleClient} puts on a page, under this global name. */
export interface PageGlobals {
  readonly createOttlaClient: typeof import("../clients/ottla-client.ts").createOttlaClient;
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
}

/** Our client of this benchmark, as a bundler makes it for web pages: it gives {@link PageGlobals} the global name `bench`. */
export async function bundleClient(): Promise<string> {
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
