import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { garbageCollector } from "./harness/garbage.ts";
import { findSlowDowns, type GuardFigures, measureGuard, measureSlowAgain } from "./harness/guard.ts";
import { guardedWork } from "./harness/guarded-work.ts";
import { formatNumber } from "./harness/report.ts";

/**
 * `npm run bench:guard`: is anything on the data path twice as slow as it was? Ends with 1 if so. `--update` writes the
 * figures down as those to be held to.
 */
const FIGURES_FILE = new URL("../guard.json", import.meta.url);

const { values } = parseArgs({ options: { update: { type: "boolean", default: false } } });
const work = await guardedWork();
const before = JSON.parse(readFileSync(FIGURES_FILE, "utf8")) as GuardFigures;
const options = { collectGarbage: garbageCollector() };
const measured = await measureGuard(work, options);
const figures = values.update ? measured : await measureSlowAgain(work, measured, before, options);
for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${formatNumber(figure)}`);
if (values.update) writeFileSync(FIGURES_FILE, `${JSON.stringify(figures, null, 2)}\n`);
else {
  const slowDowns = findSlowDowns(figures, before);
  for (const slowDown of slowDowns) console.error(slowDown);
  if (slowDowns.length > 0) process.exitCode = 1;
  else console.log("nothing is twice as slow as it was");
}
// The log and the producer of the data path are still open.
process.exit();
