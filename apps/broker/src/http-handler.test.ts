import type { Broker } from "@ottla/broker";
import type { HttpRequest } from "@ottla/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpHandler } from "./http-handler.ts";
import { ProcessMetrics } from "./process-metrics.ts";

/** What is answered while the broker is as given: null before it serves. */
function probes(broker: Pick<Broker, "isStopping"> | null) {
  const processMetrics = new ProcessMetrics();
  onTestFinished(() => processMetrics.close());
  const answer = httpHandler({ broker: () => broker as Broker | null, uptimeMs: () => 7, processMetrics });
  return async (path: string) => {
    const request: HttpRequest = { method: "GET", path, query: "", headers: {} } as never;
    const { status, body } = await answer(request);
    return [status, JSON.parse(String(body))];
  };
}

describe("the probes over HTTP", () => {
  it("say 503 and why while the broker starts", async () => {
    const get = probes(null);
    expect(await get("/health")).toEqual([503, { status: "starting", uptimeMs: 7 }]);
    const starting = { ready: false, reason: "the broker is starting" };
    expect(await get("/ready")).toEqual([503, starting]);
    expect(await get("/metrics")).toEqual([503, starting]);
  });

  it("say 200 while it serves", async () => {
    const get = probes({ isStopping: false });
    expect(await get("/health")).toEqual([200, { status: "ok", uptimeMs: 7 }]);
    expect(await get("/ready")).toEqual([200, { ready: true }]);
  });

  it("say that it gets no more clients while it stops, but lives", async () => {
    const get = probes({ isStopping: true });
    expect(await get("/health")).toEqual([200, { status: "ok", uptimeMs: 7 }]);
    expect(await get("/ready")).toEqual([503, { ready: false, reason: "the broker is stopping" }]);
  });
});
