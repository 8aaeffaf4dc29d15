import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The command is a bundle of what is built: bundles it again if a library was built after it, by hand for one. */
export default function setup(): void {
  const script = fileURLToPath(new URL("../../../apps/cli/scripts/bundle.mjs", import.meta.url));
  execFileSync(process.execPath, [script, "--if-stale"], { stdio: "inherit" });
}
