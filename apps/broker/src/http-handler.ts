import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HttpHandler } from "@ottla/transport";
import { staticFiles } from "./static-files.ts";

/** What `/health` answers. */
export interface Health {
  readonly status: "starting" | "ok";
  readonly uptimeMs: number;
}

/** Plain HTTP of a broker: `/health` for probes, and the page. */
export function httpHandler(health: () => Health): HttpHandler {
  let page: HttpHandler | null = null;
  return (request) => {
    if (request.path === "/health") return healthResponse(health());
    page ??= staticFiles(pageDirectory());
    return page(request);
  };
}

function healthResponse(health: Health) {
  return {
    status: health.status === "ok" ? 200 : 503,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
    body: JSON.stringify(health),
  };
}

/** Where `@ottla/console` puts its built page. */
function pageDirectory(): string {
  return join(dirname(fileURLToPath(import.meta.resolve("@ottla/console/package.json"))), "dist/page");
}
