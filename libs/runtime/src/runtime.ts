import { type Clock, systemClock } from "./clock.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { type Random, systemRandom } from "./random.ts";
import { createSystemTimers, type Timers } from "./timers.ts";

/** What every component is given instead of reaching for globals: the simulator gives another one. */
export interface Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

/** The platform's clock, timers and randomness, with a silent logger unless one is given. */
export function createSystemRuntime(options: { readonly logger?: Logger } = {}): Runtime {
  return {
    clock: systemClock,
    timers: createSystemTimers(),
    random: systemRandom,
    logger: options.logger ?? silentLogger,
  };
}
