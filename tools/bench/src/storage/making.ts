import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LogManager } from "@ottla/storage";
import type { Contestant, Row } from "../harness/scenario.ts";
import { openLog, openLogs, removeDirectory, TOPIC, temporaryDirectory } from "./temporary-log.ts";

const PARTITIONS = 200;
/** As many as the broker makes or removes at a time. */
const AT_ONCE = 32;

async function forAll(action: (partition: number) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => i).values();
  const work = async () => {
    for (const partition of partitions) await action(partition);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return performance.now() - startedMs;
}

/** A directory for each partition, and in it one small file that is synced. */
function bareLoop(): Contestant {
  const directory = temporaryDirectory();
  return {
    name: "a loop that makes a directory with one synced file for each",
    measure() {
      const startedMs = performance.now();
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const path = join(directory, String(partition));
        mkdirSync(path);
        const file = openSync(join(path, "file"), "w");
        writeSync(file, "content");
        fsyncSync(file);
        closeSync(file);
      }
      const elapsedMs = performance.now() - startedMs;
      for (let partition = 0; partition < PARTITIONS; partition++)
        rmSync(join(directory, String(partition)), { recursive: true });
      return { figure: elapsedMs };
    },
    close: () => removeDirectory(directory),
  };
}

function ottla(part: "making" | "deleting"): Contestant {
  const directory = temporaryDirectory();
  let logs: LogManager | null = null;
  return {
    name: `ottla, ${part} the logs`,
    async measure() {
      logs ??= await openLogs(directory);
      const opened = logs;
      const elapsedMs = {
        making: await forAll((partition) => openLog(opened, { fileDeleteDelayMs: 0 }, partition)),
        deleting: await forAll((partition) => opened.delete(TOPIC, partition)),
      };
      return { figure: elapsedMs[part] };
    },
    async close() {
      await logs?.close();
      removeDirectory(directory);
    },
  };
}

/** What logs cost that come and go: the broker waits for it where topics are made and deleted. */
export function makingRow(): Row {
  const bare = bareLoop();
  return {
    name: `making and deleting ${PARTITIONS} logs, ${AT_ONCE} at a time`,
    unit: "ms",
    better: "less",
    baseline: bare.name,
    repetitions: 3,
    contestants: [bare, ottla("making"), ottla("deleting")],
  };
}
