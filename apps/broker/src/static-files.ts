import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import type { HttpHandler, HttpResponse } from "@ottla/transport";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
  ".map": "application/json; charset=utf-8",
};

/** Nothing is loaded from elsewhere but what other brokers answer, and nobody frames the page. `wasm-unsafe-eval` compiles the zstd codec. */
function securityHeaders(scripts: readonly string[] = []): Readonly<Record<string, string>> {
  return {
    "content-security-policy":
      `default-src 'self'; script-src ${["'self'", "'wasm-unsafe-eval'", ...scripts].join(" ")}; ` +
      "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss: http: https:; img-src 'self' data:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
}

/**
 * Serves the files of one directory, `index.html` for `/`, and in place of a file the `.gz` beside it where the client
 * takes that. Files under `assets/` have hashed names and never change.
 */
export function staticFiles(directory: string): HttpHandler {
  return async ({ method, path, headers }) => {
    if (method !== "GET" && method !== "HEAD") return text(405, "Only GET is possible here.\n", { allow: "GET, HEAD" });
    const file = resolveInside(directory, path === "/" ? "/index.html" : path);
    if (file === null) return text(404, "There is nothing here.\n");
    try {
      const zipped = takesGzip(headers.get("accept-encoding")) ? await readFile(`${file}.gz`).catch(() => null) : null;
      const body = zipped ?? (await readFile(file));
      return {
        status: 200,
        headers: {
          ...securityHeaders(file.endsWith(".html") ? scriptsWithin(await readFile(file, "utf8")) : []),
          "content-type": CONTENT_TYPES[extname(file)] ?? "application/octet-stream",
          "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
          vary: "accept-encoding",
          ...(zipped && { "content-encoding": "gzip" }),
        },
        body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength),
      };
    } catch {
      if (path === "/") return text(200, "This broker runs without its page: build @ottla/console to see it here.\n");
      return text(404, "There is nothing here.\n");
    }
  };
}

/** The scripts that stand in a file of ours may run, named by their hashes: no other script that gets into it does. */
function scriptsWithin(html: string): string[] {
  return [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script]) => `'sha256-${createHash("sha256").update(script!).digest("base64")}'`,
  );
}

/** RFC 9110, 12.5.3: a coding that is named counts, unless its weight is zero. */
function takesGzip(acceptEncoding = ""): boolean {
  return acceptEncoding
    .toLowerCase()
    .split(",")
    .map((coding) => coding.replace(/\s/g, ""))
    .some((coding) => coding === "gzip" || (coding.startsWith("gzip;q=") && Number(coding.slice(7)) > 0));
}

/** The file that a request path means, or null for one that would lead out of the directory. */
function resolveInside(directory: string, path: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  if (decoded.includes("\0")) return null;
  const file = normalize(join(directory, decoded));
  return file.startsWith(directory + sep) ? file : null;
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { ...securityHeaders(), "content-type": "text/plain; charset=utf-8", ...headers }, body };
}
