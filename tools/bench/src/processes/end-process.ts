import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Longer than a broker takes to hand its leaderships over and close thousands of logs. */
const PATIENCE_MS = 60_000;

/** Asks a process to end, and waits for that; one that does not is killed. Resolves to whether it ended by itself. */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals,
  patienceMs = PATIENCE_MS,
): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return true;
  const exit = once(child, "exit");
  child.kill(signal);
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    child.kill("SIGKILL");
  }, patienceMs);
  await exit;
  clearTimeout(timer);
  return !isKilled;
}
