import { readdirSync } from "node:fs";
import { extname } from "node:path";
import { type Options, UsageError } from "./options.ts";
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

/** Those that are named, or belong to a run that names none. A name chooses one; a part of names all that have it. @throws UsageError */
export function chosenScenarios(
  scenarios: readonly Scenario[],
  { only, effort, list }: Pick<Options, "only" | "effort" | "list">,
): Scenario[] {
  if (only.length === 0) {
    return scenarios.filter(({ inQuick = true, inFull = true }) => list || (inFull && (inQuick || !effort.quick)));
  }
  const isName = (part: string) => scenarios.some(({ name }) => name === part);
  const names = only.filter(isName);
  const parts = only.filter((part) => !isName(part));
  const unknown = parts.filter((part) => !scenarios.some(({ name }) => name.includes(part)));
  if (unknown.length > 0) {
    const there = scenarios.map(({ name }) => name).join(", ");
    throw new UsageError(`There is no scenario ${unknown.map((part) => `"${part}"`).join(", ")}; there are ${there}.`);
  }
  return scenarios.filter(({ name }) => names.includes(name) || parts.some((part) => name.includes(part)));
}
