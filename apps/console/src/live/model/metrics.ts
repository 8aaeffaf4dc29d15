import { asNumber, parseObject } from "./json.ts";
import { Series } from "./series.ts";

/** Five minutes at a reading a second. */
const KEPT = 300;

/** What the machine below the broker does. Times are in seconds, as the charts take them. */
export class Metrics {
  readonly usage = new Series(["cpu", "memory", "disk"] as const, KEPT);
  /** Bytes per second. */
  readonly network = new Series(["received", "sent"] as const, KEPT);

  accept(value: string | null): void {
    const data = parseObject(value);
    const time = asNumber(data?.time);
    if (data === undefined || time === undefined) return;
    const usedPercent = asNumber(data.usedPercent);
    if (usedPercent !== undefined && isUsage(data.source)) this.usage.set(time / 1_000, { [data.source]: usedPercent });
    const received = asNumber(data.receivedBytesPerSecond);
    const sent = asNumber(data.sentBytesPerSecond);
    if (data.source === "network" && received !== undefined && sent !== undefined) {
      this.network.set(time / 1_000, { received, sent });
    }
  }
}

function isUsage(source: unknown): source is "cpu" | "memory" | "disk" {
  return source === "cpu" || source === "memory" || source === "disk";
}
