import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Broker, prometheusText } from "@ottla/broker";
import type { HttpHandler, HttpRequest, HttpResponse } from "@ottla/transport";
import { consoleApi } from "./console-api.ts";
import type { ProcessMetrics } from "./process-metrics.ts";
import { staticFiles } from "./static-files.ts";

/** What HTTP may look at. */
export interface HttpView {
  /** Null until the broker serves. */
  readonly broker: () => Broker | null;
  readonly uptimeMs: () => number;
  /** What a start is at. */
  readonly step: () => string;
  readonly processMetrics: ProcessMetrics;
}

/** What a port answers that nothing else listens on yet: whether the process lives, and why it is not ready. */
export function startingHandler(view: HttpView): HttpHandler {
  return (request) => answerOf(request, view) ?? unready(view);
}

/** Plain HTTP of a broker: `/health`, `/ready`, `/metrics`, what the console asks for, and the console itself. */
export function httpHandler(view: HttpView): HttpHandler {
  let page: HttpHandler | null = null;
  return (request) => {
    const answer = answerOf(request, view);
    if (answer !== null) return answer;
    page ??= staticFiles(pageDirectory());
    return page(request);
  };
}

function answerOf({ method, path }: HttpRequest, view: HttpView): HttpResponse | Promise<HttpResponse> | null {
  if (method !== "GET" && method !== "HEAD") return null;
  if (path === "/health") return healthResponse(view);
  if (path === "/ready") return readyResponse(view);
  const broker = view.broker();
  if (path === "/metrics") return broker === null ? unready(view) : metricsResponse(broker, view.processMetrics);
  return broker === null ? null : consoleApi(path, broker, view.processMetrics);
}

/** Whether the process lives: who starts, waits or stops is not helped by being killed. */
function healthResponse(view: HttpView): HttpResponse {
  const reason = reasonOf(view);
  const status = view.broker() === null ? "starting" : reason === null ? "ok" : "stopping";
  return probe(true, { status, ...(reason !== null && { reason }), uptimeMs: view.uptimeMs() });
}

/** Whether it should get clients. */
function readyResponse(view: HttpView): HttpResponse {
  return reasonOf(view) === null ? probe(true, { ready: true }) : unready(view);
}

function unready(view: HttpView): HttpResponse {
  return probe(false, { ready: false, reason: reasonOf(view) });
}

/** Why it should get no clients; null where it should. */
function reasonOf({ broker, step }: HttpView): string | null {
  const running = broker();
  if (running === null) return `the broker is starting: ${step()}`;
  return running.isStopping ? "the broker is stopping" : null;
}

function probe(isGood: boolean, body: object): HttpResponse {
  return {
    status: isGood ? 200 : 503,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
    body: JSON.stringify(body),
  };
}

async function metricsResponse(broker: Broker, processMetrics: ProcessMetrics): Promise<HttpResponse> {
  const families = await broker.metrics();
  return {
    status: 200,
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
    body: prometheusText(both(processMetrics.families(), families)),
  };
}

function* both<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}

/** Where `@ottla/console` puts its built page. */
function pageDirectory(): string {
  return join(dirname(fileURLToPath(import.meta.resolve("@ottla/console/package.json"))), "dist/page");
}
