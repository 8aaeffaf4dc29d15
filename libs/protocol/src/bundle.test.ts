/** The library in a browser: no Node.js in it, and no message that is not used. */
import { resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

async function bundle(source: string): Promise<string> {
  const result = await build({
    stdin: { contents: source, resolveDir: resolve(import.meta.dirname, ".."), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["@ottla/source"],
    logLevel: "silent",
  });
  return result.outputFiles[0]!.text;
}

test("only the messages that are imported are bundled", async () => {
  const text = await bundle(`
    import { encodeRequest, heartbeatApi } from "@ottla/protocol";
    console.log(encodeRequest(heartbeatApi, 4, { correlationId: 1, clientId: null }, globalThis.body));
  `);
  expect(text).toContain("HeartbeatRequest");
  const messages = new Set(text.match(/\b[A-Z]\w+(Request|Response)\b(?=")/g));
  expect([...messages].sort()).toEqual(["HeartbeatRequest", "HeartbeatResponse"]);
});

test("the whole library bundles for the browser without eval", async () => {
  const text = await bundle(`
    import * as protocol from "@ottla/protocol";
    import * as internal from "@ottla/protocol/internal";
    console.log(protocol, internal);
  `);
  expect(text).toContain("FetchResponse");
  expect(text).not.toMatch(/\b(eval\s*\(|new Function\b)/);
  expect(text).not.toMatch(/from "node:|require\("node:/);
});
