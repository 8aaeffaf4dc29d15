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
    await writeFile(join(directory, "themed.html"), '<script>theme()</script><script src="/a.js"></script>');
    await writeFile(join(directory, "assets/main-1.js"), "main()");
    await writeFile(join(directory, "assets/main-1.js.gz"), "compressed main()");
    await writeFile(join(parent, "secret.txt"), "secret");
    await mkdir(join(parent, "page-two"));
    await writeFile(join(parent, "page-two/file.txt"), "beside");
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  const get = async (path: string, method = "GET", acceptEncoding?: string) => {
    const fields = new Map(acceptEncoding === undefined ? [] : [["accept-encoding", acceptEncoding] as const]);
    const request: HttpRequest = { method, path, query: new URLSearchParams(), headers: fields, remoteAddress: "" };
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

  it.each(["gzip", "br, GZIP ;q=0.5, *;q=0"])(
    "sends what is compressed to who takes it: %s",
    async (acceptEncoding) => {
      const { headers, body } = await get("/assets/main-1.js", "GET", acceptEncoding);
      expect(body).toBe("compressed main()");
      expect(headers).toMatchObject({
        "content-encoding": "gzip",
        "content-type": "text/javascript; charset=utf-8",
        vary: "accept-encoding",
      });
    },
  );

  it.each([undefined, "", "br", "gzip;q=0", "gzip;q=x"])(
    "sends the file as it is otherwise: %s",
    async (acceptEncoding) => {
      const { headers, body } = await get("/assets/main-1.js", "GET", acceptEncoding);
      expect([body, headers?.["content-encoding"], headers?.vary]).toEqual(["main()", undefined, "accept-encoding"]);
    },
  );

  it("allows the scripts that stand in a page, by their hashes, and no others", async () => {
    const policyOf = async (path: string) => (await get(path)).headers?.["content-security-policy"] ?? "";
    // printf 'theme()' | openssl dgst -sha256 -binary | base64
    expect(await policyOf("/themed.html")).toContain(
      `script-src 'self' 'wasm-unsafe-eval' 'sha256-Rfr3GgHZFiXm+TmNr+li+0sZ4J9FGllo8jsXcJF5XZ8=';`,
    );
    expect(await policyOf("/")).toContain("script-src 'self' 'wasm-unsafe-eval';");
  });

  it("sends a file that lies there uncompressed alone to everybody", async () => {
    const { headers, body } = await get("/", "GET", "gzip");
    expect([body, headers?.["content-encoding"]]).toEqual(["<p>page</p>", undefined]);
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
    expect(await get("/", "POST")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });
});
