import { fileURLToPath } from "node:url";
import { type ProcessResult, run } from "./process.ts";

/** The `ottla` command as the checkout has it. */
export const OTTLA_COMMAND = fileURLToPath(new URL("../../../apps/cli/bin/ottla.cjs", import.meta.url));

/** Runs `ottla` to its end, as a person would in a terminal. */
export function ottla(
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ProcessResult> {
  return run(process.execPath, [OTTLA_COMMAND, ...args], {
    ...options,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });
}
