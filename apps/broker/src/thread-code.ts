import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The built code of a thread, beside this file; undefined where the sources run as they are. */
export function threadCode(file: "compaction-worker.js" | "preparation-worker.js"): URL | undefined {
  const url = new URL(`./${file}`, import.meta.url);
  return existsSync(fileURLToPath(url)) ? url : undefined;
}
