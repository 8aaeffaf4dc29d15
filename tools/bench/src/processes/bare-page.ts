import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { CHROMIUM_ARGS, chromiumPath } from "./browser.ts";

interface Reply {
  readonly id?: number;
  /** Of an event, which is no reply. */
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/**
 * A page of a Chromium of its own that is asked to evaluate and is not watched otherwise. Playwright has Chromium report each
 * WebSocket message of a page, encoded as text: at a hundred megabytes a second that is most of what the page's thread does.
 */
export class BarePage {
  readonly #chromium: ChildProcess;
  readonly #directory: string;
  readonly #devTools: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;
  #onLoad: () => void = () => {};

  private constructor(chromium: ChildProcess, directory: string, devTools: WebSocket) {
    this.#chromium = chromium;
    this.#directory = directory;
    this.#devTools = devTools;
    devTools.on("message", (data) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.method === "Page.loadEventFired") this.#onLoad();
      this.#waiting.get(reply.id ?? 0)?.(reply);
      this.#waiting.delete(reply.id ?? 0);
    });
  }

  static async open(url: string): Promise<BarePage> {
    const directory = await mkdtemp(join(tmpdir(), "ottla-bench-chromium-"));
    const args = [...CHROMIUM_ARGS, "--headless", "--remote-debugging-port=0", `--user-data-dir=${directory}`];
    const chromium = spawn(chromiumPath(), args, { stdio: ["ignore", "ignore", "pipe"] });
    const devTools = new WebSocket(await pageTarget(await debuggingPort(chromium)));
    await once(devTools, "open");
    const page = new BarePage(chromium, directory, devTools);
    await page.#load(url);
    return page;
  }

  /** What `expression` gives, once it has settled where it is a promise; it must be JSON. */
  async evaluate<T>(expression: string): Promise<T> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#ask("Runtime.evaluate", params);
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: T }).value;
  }

  async close(): Promise<void> {
    const ended = once(this.#chromium, "exit");
    this.#devTools.terminate();
    this.#chromium.kill("SIGTERM");
    await ended;
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #load(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      this.#onLoad = resolve;
    });
    await this.#ask("Page.enable", {});
    await this.#ask("Page.navigate", { url });
    await loaded;
  }

  async #ask(method: string, params: object): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const replied = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.#devTools.send(JSON.stringify({ id, method, params }));
    const { result, error } = await replied;
    if (result === undefined) throw new Error(`${method}: ${error?.message}`);
    return result;
  }
}

/** Chromium says on standard error where it listens. */
async function debuggingPort({ stderr }: ChildProcess): Promise<string> {
  let output = "";
  for await (const chunk of stderr!.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const port = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(output)?.[1];
    if (port === undefined) continue;
    stderr!.resume();
    return port;
  }
  throw new Error(`Chromium did not start:\n${output}`);
}

async function pageTarget(port: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`);
  const targets = (await response.json()) as { readonly type: string; readonly webSocketDebuggerUrl: string }[];
  const page = targets.find(({ type }) => type === "page");
  if (page === undefined) throw new Error("Chromium has no page");
  return page.webSocketDebuggerUrl;
}
