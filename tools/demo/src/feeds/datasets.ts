import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where vega-datasets keeps its files: beside its entry, `build/…`, in `data/`. */
const DATA_DIRECTORY = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "../data");

/** Parses one of the JSON files of vega-datasets. */
export async function readDataset<T>(fileName: string): Promise<T> {
  return JSON.parse(await readFile(join(DATA_DIRECTORY, fileName), "utf8")) as T;
}
