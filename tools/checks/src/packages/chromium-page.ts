import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { externalPrograms } from "../../../fetch/external-programs.mjs";

/** Chromium's program, or null where there is none. */
export const chromiumPath: string | null = externalPrograms.chromium.find();

/** Without anything that reaches for other hosts. */
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];

/** A page in Chromium, with the scripts of one folder and an origin of its own. */
export interface ServedPage {
  readonly origin: string;
  readonly page: Page;
  /** Names of the scripts that it has loaded so far. */
  readonly scripts: readonly string[];
  /** What went wrong in it. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/** Opens a page whose only content is the module `page.js` of `directory`. */
export async function servePage(directory: string): Promise<ServedPage> {
  const server = createServer(async (request, response) => {
    const name = request.url ?? "/";
    if (name === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><link rel="icon" href="data:," /><script type="module" src="/page.js"></script>');
      return;
    }
    response.setHeader("content-type", "text/javascript");
    const script = await readFile(join(directory, name)).catch(() => null);
    response.writeHead(script === null ? 404 : 200).end(script);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
  };
  try {
    browser = await chromium.launch({ executablePath: chromiumPath!, args: ARGS });
    const page = await browser.newPage();
    const scripts: string[] = [];
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("response", (response) => {
      if (response.url().endsWith(".js")) scripts.push(basename(response.url()));
      if (!response.ok()) errors.push(`${response.url()}: ${response.status()}`);
    });
    await page.goto(origin);
    return { origin, page, scripts, errors, close };
  } catch (error) {
    await close();
    throw error;
  }
}
