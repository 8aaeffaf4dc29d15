import { setMaxListeners } from "node:events";

/** Aborts at the first Ctrl-C or SIGTERM, so that a command can end cleanly; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  // Each record in flight listens to it, so many are no leak.
  setMaxListeners(0, controller.signal);
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(128 + (signal === "SIGINT" ? 2 : 15));
    process.exitCode = 128 + (signal === "SIGINT" ? 2 : 15);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
