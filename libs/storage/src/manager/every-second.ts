import type { Runtime, Timer } from "@ottla/runtime";

const SECOND_MS = 1000;

/** Runs `report` each second until cancelled: what takes longer than that tells a person how far it is. */
export function everySecond({ timers }: Pick<Runtime, "timers">, report: () => void): Timer {
  let timer: Timer;
  const tick = () => {
    report();
    timer = timers.schedule(SECOND_MS, tick);
  };
  timer = timers.schedule(SECOND_MS, tick);
  return { cancel: () => timer.cancel() };
}
