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
  readonly processMetrics: ProcessMetrics;
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
  if (path === "/metrics") return broker === null ? unavailable() : metricsResponse(broker, view.processMetrics);
  return broker === null ? null : consoleApi(path, broker, view.processMetrics);
}

/** Whether the process lives: 503 only before it has come up for the first time. */
function healthResponse({ broker, uptimeMs }: HttpView): HttpResponse {
  const status = broker() === null ? "starting" : "ok";
  return probe(status === "ok", { status, uptimeMs: uptimeMs() });
}

/** Whether it should get clients. */
function readyResponse(view: HttpView): HttpResponse {
  const broker = view.broker();
  if (broker === null) return probe(false, { ready: false, reason: "the broker is starting" });
  if (broker.isStopping) return probe(false, { ready: false, reason: "the broker is stopping" });
  return probe(true, { ready: true });
}

function probe(isGood: boolean, body: object): HttpResponse {
  return {
    status: isGood ? 200 : 503,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
    body: JSON.stringify(body),
  };
}

function unavailable(): HttpResponse {
  return probe(false, { ready: false, reason: "the broker is starting" });
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
