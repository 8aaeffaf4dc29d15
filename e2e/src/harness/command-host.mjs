// Runs the built `ottla` command again and again in this process: the start of Node.js, and the loading of what the command
// imports, take many times as long as most commands themselves. See `ottla-command.ts`, which is at the other end.
//   node command-host.mjs ENTRY     with a channel to the process that has started it
import { pathToFileURL } from "node:url";

/** A process ends when nothing is left to wait for. What is left longer than this would have kept one from its end. */
const IDLE_TIMEOUT_MS = 3_000;
const LOOK_AGAIN_MS = 2;

const [, , entry] = process.argv;
let runs = 0;

process.on("disconnect", () => process.exit());
process.on("message", async ({ args, env }) => process.send(await run(args, env)));

/** One command, as in a process of its own. What it throws ends this process, as it would have ended that one. */
async function run(args, env) {
  const output = { stdout: "", stderr: "" };
  process.argv = [process.execPath, entry, ...args];
  process.env = env;
  for (const stream of ["stdout", "stderr"]) {
    process[stream].write = (chunk, ...rest) => {
      output[stream] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      if (typeof rest.at(-1) === "function") process.nextTick(rest.at(-1));
      return true;
    };
  }
  const own = process.getActiveResourcesInfo();
  // Under another address it is another module, so the command begins anew; what it imports has been loaded.
  await import(`${pathToFileURL(entry).href}?run=${runs++}`);
  const left = await leftOver(own);
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal);
  process.stdout.removeAllListeners("error");
  return { code, ...output, left };
}

/** What would still keep a process from its end, beside what this one has for itself: nothing, if all is well. */
async function leftOver(own) {
  const endsAtMs = performance.now() + IDLE_TIMEOUT_MS;
  for (;;) {
    const left = process.getActiveResourcesInfo();
    for (const name of own) if (left.includes(name)) left.splice(left.indexOf(name), 1);
    if (left.length === 0 || performance.now() > endsAtMs) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS).unref());
  }
}
