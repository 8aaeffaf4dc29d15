import type { Random } from "@ottla/runtime";

/** Kafka's exponential backoff (KIP-144, KIP-580). */
export interface BackoffOptions {
  /** The wait after the first failure. */
  readonly initialMs: number;
  /** The longest wait. */
  readonly maxMs: number;
  /** How much longer each wait is than the one before; 2 by default. */
  readonly multiplier?: number;
  /** Each wait is drawn from ± this share of its value; 0.2 by default. */
  readonly jitter?: number;
}

/**
 * How long to wait after `failures` failures in a row, in milliseconds: 0 after none, about `initialMs` after the
 * first, then doubling up to `maxMs`.
 */
export function backoffMs(options: BackoffOptions, failures: number, random: Random): number {
  if (failures <= 0) return 0;
  const { initialMs, maxMs, multiplier = 2, jitter = 0.2 } = options;
  const base = Math.min(initialMs * multiplier ** (failures - 1), maxMs);
  const factor = 1 - jitter + 2 * jitter * random.nextFloat();
  return Math.min(base * factor, maxMs);
}
