import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpRequest } from "@ottla/transport";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { staticFiles } from "./static-files.ts";

describe("static files", () => {
  let parent: string;
  let directory: string;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "ottla-static-"));
    directory = join(parent, "page");
    await mkdir(join(directory, "assets"), { recursive: true });
    await writeFile(join(directory, "index.html"), "<p>page</p>");
    await writeFile(join(directory, "assets/main-1.js"), "main()");
    await writeFile(join(parent, "secret.txt"), "secret");
    await mkdir(join(parent, "page-two"));
    await writeFile(join(parent, "page-two/file.txt"), "beside");
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  const get = async (path: string, method = "GET") => {
    const request: HttpRequest = { method, path, query: new URLSearchParams(), headers: new Map(), remoteAddress: "" };
    const { status, headers, body } = await staticFiles(directory)(request);
    return { status, headers, body: typeof body === "string" ? body : new TextDecoder().decode(body as Uint8Array) };
  };

  it("serves the page at / and hashed files as unchanging", async () => {
    expect(await get("/")).toMatchObject({ status: 200, body: "<p>page</p>" });
    expect((await get("/assets/main-1.js")).headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
    });
  });

  it.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/../page-two/file.txt",
    "/%00",
    "/%zz",
    "/none",
  ])("does not find %s", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it("refuses other methods", async () => {
    expect((await get("/", "POST")).status).toBe(405);
  });
});
