import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpRequest, HttpResponse } from "../../server/contract.ts";
import type { BrowserRequest } from "../../server/origin-policy.ts";
import { plainAddress } from "./advertised.ts";

/** What `judgeOrigin` looks at. */
export function browserRequest(request: IncomingMessage, isUpgrade: boolean): BrowserRequest {
  return {
    method: request.method ?? "",
    isUpgrade,
    host: request.headers.host,
    origin: request.headers.origin,
    fetchSite: singleHeader(request, "sec-fetch-site"),
    fetchMode: singleHeader(request, "sec-fetch-mode"),
    fetchDest: singleHeader(request, "sec-fetch-dest"),
  };
}

function singleHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The request as the HTTP handler sees it; null when its target is no path. */
export function handlerRequest(request: IncomingMessage): HttpRequest | null {
  const target = request.url ?? "";
  if (!target.startsWith("/") || !URL.canParse(target, "http://localhost")) return null;
  const url = new URL(target, "http://localhost");
  const headers = new Map(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers,
    remoteAddress: plainAddress(request.socket.remoteAddress),
  };
}

/** What a page of another origin may not do with our responses, whatever it finds a way to fetch. */
const SAFETY_HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** `corsOrigin`: an origin of `allowed.origins` that the response is for. */
export async function sendResponse(
  target: ServerResponse,
  response: HttpResponse,
  options: SendOptions = {},
): Promise<void> {
  if (isPieces(response.body)) return await sendPieces(target, response, response.body, options);
  const body = typeof response.body === "string" ? Buffer.from(response.body) : (response.body ?? new Uint8Array(0));
  target.writeHead(response.status, {
    ...commonHeaders(options),
    "content-length": body.length,
    ...response.headers,
    connection: "close",
  });
  target.end(options.withoutBody ? undefined : body);
}

type SendOptions = { readonly corsOrigin?: string; readonly withoutBody?: boolean };

function commonHeaders({ corsOrigin }: SendOptions): Record<string, string> {
  return { ...SAFETY_HEADERS, ...(corsOrigin === undefined ? {} : corsHeaders(corsOrigin)) };
}

function isPieces(body: HttpResponse["body"]): body is Iterable<string> {
  return typeof body === "object" && !(body instanceof Uint8Array);
}

/** Resolves when more can be written, or nothing any more. */
function drained(target: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      target.off("drain", end).off("close", end);
      resolve();
    };
    target.on("drain", end).on("close", end);
  });
}

/** Each piece in a turn of the event loop of its own, and none faster than the client takes them. */
async function sendPieces(
  target: ServerResponse,
  response: HttpResponse,
  pieces: Iterable<string>,
  options: SendOptions,
): Promise<void> {
  target.writeHead(response.status, { ...commonHeaders(options), ...response.headers, connection: "close" });
  for (const piece of options.withoutBody ? [] : pieces) {
    if (!target.write(piece)) await drained(target);
    await new Promise((resolve) => setImmediate(resolve));
    if (target.destroyed) return;
  }
  target.end();
}

function corsHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, HEAD",
    "cross-origin-resource-policy": "cross-origin",
    vary: "origin",
  };
}

export function textResponse(status: number, text: string): HttpResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${text}\n` };
}
