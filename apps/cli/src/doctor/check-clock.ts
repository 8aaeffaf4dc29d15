import type { Admin } from "@ottla/admin";
import type { ClusterView } from "./cluster-view.ts";
import { type Finding, good, warn } from "./findings.ts";

const TIMEOUT_MS = 2_000;
const SKEW_MS_MAX = 2_000;

/** Kafka's protocol has no question for the time; a broker of Ottla tells it over HTTP. */
export async function checkClock(_: Admin, { brokers }: ClusterView): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { nodeId: id, host: name, port } of brokers) {
    const host = name.includes(":") ? `[${name}]` : name;
    const skewMs = await skewOf(`http://${host}:${port}/console/state`);
    if (skewMs === null) continue;
    const text = `The clock of broker ${id} is ${Math.round(Math.abs(skewMs))} ms ${skewMs < 0 ? "behind" : "ahead of"} this machine's.`;
    findings.push(
      Math.abs(skewMs) <= SKEW_MS_MAX
        ? good(text)
        : warn(text, "Retention and look-ups by time go wrong by as much: let both machines use NTP."),
    );
  }
  return findings;
}

/** Milliseconds that the broker is ahead; null where it does not tell. */
async function skewOf(url: string): Promise<number | null> {
  try {
    const beforeMs = Date.now();
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const state = (await response.json()) as { readonly atMs?: unknown };
    return typeof state.atMs === "number" ? state.atMs - (beforeMs + Date.now()) / 2 : null;
  } catch {
    return null;
  }
}
