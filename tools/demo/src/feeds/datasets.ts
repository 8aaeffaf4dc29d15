import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Parses one of the JSON files of vega-datasets. */
export async function readDataset<T>(fileName: string): Promise<T> {
  const packageDirectory = dirname(require.resolve("vega-datasets/package.json"));
  return JSON.parse(await readFile(join(packageDirectory, "data", fileName), "utf8")) as T;
}
