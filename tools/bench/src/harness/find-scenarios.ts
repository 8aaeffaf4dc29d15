import { readdirSync } from "node:fs";
import { extname } from "node:path";
import type { Options } from "./options.ts";
import type { Scenario } from "./scenario.ts";

const folder = new URL("../scenarios/", import.meta.url);

/** Built or not: what this file ends with. */
const ownExtension = extname(import.meta.url);

/** The default exports of the files in `scenarios/`, by name. */
export async function findScenarios(): Promise<Scenario[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith(ownExtension));
  const modules = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
  const scenarios = modules.map((module: { default: Scenario }) => module.default);
  return scenarios.sort((a, b) => a.name.localeCompare(b.name));
}

/** Whether a scenario is named, or belongs to a run that names none. */
export function isChosen(
  { name, inQuick = true, inFull = true }: Scenario,
  { only, effort, list }: Pick<Options, "only" | "effort" | "list">,
): boolean {
  if (only.length > 0) return only.some((part) => name.includes(part));
  return list || (inFull && (inQuick || !effort.quick));
}
