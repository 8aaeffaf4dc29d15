import type { Random } from "@ottla/runtime";
import type { SimulatedNetwork } from "../simulated-network.ts";
import type { SimulatedProcess } from "../simulated-process.ts";
import type { Tally } from "../tally.ts";

export const TRANSACTION_TIMEOUT_MS = 5_000;
export const SESSION_TIMEOUT_MS = 6_000;

/** Who hears of what must not happen, and counts what does. */
export interface ProcessObserver {
  readonly tally: Tally;
  violated(error: unknown): void;
}

/** What all clients of the simulated world have in common. */
export function clientOptions(process: SimulatedProcess, network: SimulatedNetwork) {
  return {
    clientId: process.name,
    connector: network.connectorOf(process),
    runtime: process.runtime,
    requestTimeoutMs: 3_000,
    metadataMaxAgeMs: 5_000,
  };
}

/** Most of the time no time at all; now and then longer than a transaction may take. */
export async function thinking({ runtime: { timers } }: SimulatedProcess, random: Random): Promise<void> {
  const dice = random.nextInt(100);
  const delayMs = dice === 0 ? 2 * TRANSACTION_TIMEOUT_MS : dice < 30 ? random.nextInt(300) : 0;
  if (delayMs > 0) await new Promise<void>((resolve) => timers.schedule(delayMs, resolve));
}
