import { join, parse, resolve } from "node:path";
import type { Damage, DumpEntry } from "@ottla/storage/internal";
import type { Command } from "commander";
import { formatEntry, toJson } from "../dump-format.ts";
import { EXIT_FAILED, UsageError } from "../exit.ts";
import { startProgress } from "../progress.ts";

interface DumpCommandOptions {
  readonly records?: boolean;
  readonly json?: boolean;
}

export function addLogCommand(program: Command): void {
  const log = program
    .command("log")
    .description("Look into the files of a log directory, of this broker or of Apache Kafka.");
  log
    .command("dump")
    .argument("<file...>", "segments, indexes, snapshots, checkpoints, partition.metadata, meta.properties")
    .description("Show what files hold.")
    .option("-r, --records", "the records of each batch too; those of internal topics are decoded")
    .option("--json", "print one JSON object a line")
    .action(dumpFiles);
  log
    .command("verify")
    .argument("<directory>", "a log directory, or that of one partition")
    .description("Check every CRC, every index entry and the order of offsets. Exit code 1 if anything is wrong.")
    .option("--json", "print JSON")
    .action(verifyDirectory);
}

/** A disk that sees the whole file system, and the path of a file on it. */
async function onDisk(path: string) {
  const { createNodeDisk } = await import("@ottla/runtime/node");
  const absolute = resolve(path);
  const { root } = parse(absolute);
  return { disk: createNodeDisk(root), path: `/${absolute.slice(root.length).replaceAll("\\", "/")}` };
}

async function dumpFiles(files: string[], options: DumpCommandOptions): Promise<void> {
  const [{ dumpFile, UnknownLogFile }, { decodeRecord }] = await Promise.all([
    import("@ottla/storage/internal"),
    import("../record-decoders.ts"),
  ]);
  let damages = 0;
  for (const file of files) {
    const { disk, path } = await onDisk(file);
    if (!options.json && files.length > 1) await print(`${file}:\n`);
    const sizeBytes = (await disk.stat(path))?.sizeBytes ?? 0;
    // Bar and output in one terminal would write over each other.
    const progress = startProgress({ isShown: !process.stdout.isTTY, total: sizeBytes, unit: "bytes" });
    let readBytes = 0;
    const onRead = (bytes: number) => {
      readBytes += bytes;
      progress.update(readBytes);
    };
    try {
      for await (const entry of dumpFile(disk, path, {
        records: options.records ?? false,
        decode: decodeRecord,
        onRead,
      })) {
        if (entry.kind === "damage") damages++;
        await print(options.json ? jsonLine(file, entry) : `${formatEntry(entry)}\n`);
      }
    } catch (error) {
      throw error instanceof UnknownLogFile ? new UsageError(await whyUnknown(file)) : error;
    } finally {
      progress.stop();
    }
  }
  if (damages > 0) process.exitCode = EXIT_FAILED;
}

/** Kinds of files are told by their names, so a name is judged before anything is read. */
async function whyUnknown(file: string): Promise<string> {
  const { existsSync } = await import("node:fs");
  if (!existsSync(file)) return `There is no file ${file}.`;
  return `${file} is no file of a log directory by its name; those are called like 00000000000000000000.log.`;
}

function jsonLine(file: string, { kind, fields }: DumpEntry): string {
  return `${toJson({ file, kind, ...fields })}\n`;
}

/** Waits for a slow reader: a segment's records are many times what fits into memory. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((drained) => process.stdout.once("drain", drained));
}

async function verifyDirectory(directory: string, options: { readonly json?: boolean }): Promise<void> {
  const { verifyDirectory } = await import("@ottla/storage/internal");
  const { disk, path } = await onDisk(directory);
  if ((await disk.stat(path))?.isDirectory !== true) throw new UsageError(`${directory} is no directory.`);
  const progress = startProgress({ isShown: true, total: 0, unit: null });
  const shown = (damage: Damage) => ({ ...damage, path: shorten(damage.path, path, directory) });
  const result = await verifyDirectory(disk, path, {
    onProgress: progress.update,
    onDamage: (damage) => {
      if (!options.json) progress.write(`${describe(shown(damage))}\n`);
    },
  }).finally(() => progress.stop());
  const { damages, partitions, segments, logBytes } = result;
  if (partitions === 0 && damages.length === 0 && !(await isLogDirectory(directory))) {
    throw new UsageError(`${directory} holds no logs: it has neither meta.properties nor a directory of a partition.`);
  }
  if (options.json) await print(`${toJson({ ...result, damages: damages.map(shown) })}\n`);
  else
    await print(
      `${partitions} partitions, ${segments} segments, ${logBytes} bytes of log: ${verdict(damages.length)}\n`,
    );
  if (damages.length > 0) process.exitCode = EXIT_FAILED;
}

/** One without logs may be a broker's that has none yet. */
async function isLogDirectory(directory: string): Promise<boolean> {
  const { existsSync } = await import("node:fs");
  return existsSync(join(directory, "meta.properties"));
}

/** The path as the user began it. */
function shorten(path: string, from: string, to: string): string {
  return path.startsWith(from) ? to.replace(/\/+$/, "") + path.slice(from.length) : path;
}

function describe({ path, position, problem }: Damage): string {
  return `${path}${position === null ? "" : ` at byte ${position}`}: ${problem}`;
}

function verdict(damages: number): string {
  if (damages === 0) return "no damage found";
  return damages === 1 ? "1 damage found" : `${damages} damages found`;
}
