import type { Broker } from "@ottla/broker";
import type { HttpRequest } from "@ottla/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpHandler, startingHandler } from "./http-handler.ts";
import { ProcessMetrics } from "./process-metrics.ts";

/** What is answered while the broker is as given: null before it serves. */
function probes(broker: Pick<Broker, "isStopping"> | null, handler = httpHandler) {
  const processMetrics = new ProcessMetrics();
  onTestFinished(() => processMetrics.close());
  const step = () => "opening its logs";
  const answer = handler({ broker: () => broker as Broker | null, uptimeMs: () => 7, step, processMetrics });
  return async (path: string) => {
    const request: HttpRequest = { method: "GET", path, query: "", headers: {} } as never;
    const { status, body } = await answer(request);
    return [status, JSON.parse(String(body))];
  };
}

describe("the probes over HTTP", () => {
  it("say that it gets no clients and why while the broker starts, but lives", async () => {
    const reason = "the broker is starting: opening its logs";
    for (const get of [probes(null), probes(null, startingHandler)]) {
      expect(await get("/health")).toEqual([200, { status: "starting", reason, uptimeMs: 7 }]);
      expect(await get("/ready")).toEqual([503, { ready: false, reason }]);
      expect(await get("/metrics")).toEqual([503, { ready: false, reason }]);
    }
    expect(await probes(null, startingHandler)("/")).toEqual([503, { ready: false, reason }]);
  });

  it("say 200 while it serves", async () => {
    const get = probes({ isStopping: false });
    expect(await get("/health")).toEqual([200, { status: "ok", uptimeMs: 7 }]);
    expect(await get("/ready")).toEqual([200, { ready: true }]);
  });

  it("say that it gets no more clients while it stops, but lives", async () => {
    const get = probes({ isStopping: true });
    const reason = "the broker is stopping";
    expect(await get("/health")).toEqual([200, { status: "stopping", reason, uptimeMs: 7 }]);
    expect(await get("/ready")).toEqual([503, { ready: false, reason }]);
  });
});
