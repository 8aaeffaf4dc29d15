import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Contestant, Row } from "../harness/scenario.ts";
import { batchOf, fillLog, openLog, openLogs, removeDirectory, temporaryDirectory } from "./temporary-log.ts";

const PARTITIONS = 1_000;

function lookAtAll(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) lookAtAll(path);
    else statSync(path);
  }
}

export async function openingRow(): Promise<Row> {
  const directory = temporaryDirectory();
  const logs = await openLogs(directory);
  const batch = batchOf(1_000);
  for (let partition = 0; partition < PARTITIONS; partition++)
    await fillLog(await openLog(logs, {}, partition), batch, 3);
  await logs.close();
  const bare: Contestant = {
    name: "a loop that lists all files and asks their sizes",
    measure() {
      const startedMs = performance.now();
      lookAtAll(directory);
      return { figure: performance.now() - startedMs };
    },
  };
  const ottla: Contestant = {
    name: "ottla, opening the log directory",
    async measure() {
      const startedMs = performance.now();
      const opened = await openLogs(directory);
      const elapsedMs = performance.now() - startedMs;
      if (!opened.wasCleanStop) throw new Error("the last stop was not clean");
      await opened.close();
      return { figure: elapsedMs };
    },
    close: () => removeDirectory(directory),
  };
  return {
    name: "opening 1,000 partitions after a clean stop (about a second is wanted)",
    unit: "ms",
    better: "less",
    baseline: bare.name,
    repetitions: 5,
    contestants: [bare, ottla],
  };
}
