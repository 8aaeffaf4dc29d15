import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));

interface Layers {
  readonly libs: Readonly<Record<string, { readonly imports: readonly string[]; readonly nodeOnly?: boolean }>>;
}

/** Libs that run in browsers too. */
export function neutralLibs(): string[] {
  const layers: Layers = JSON.parse(readFileSync(join(repositoryRoot, "tools/layers/layers.json"), "utf8"));
  return Object.entries(layers.libs)
    .filter(([, lib]) => !lib.nodeOnly)
    .map(([name]) => name);
}
