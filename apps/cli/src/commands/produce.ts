import { createReadStream, fstatSync, ReadStream } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import type { ProducerRecord } from "@ottla/producer";
import { type Command, Option } from "commander";
import { type ConnectionOptions, connectionOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { type Progress, startProgress } from "../progress.ts";
import { type LineParser, textLineParser } from "../record-lines.ts";
import { requireBroker } from "../with-admin.ts";

interface ProduceOptions extends ConnectionOptions {
  readonly file?: string;
  readonly json?: boolean;
  readonly keySeparator?: string;
  readonly acks: "0" | "1" | "all";
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly partition?: number;
  readonly maxRequestSize?: number;
}

/** Lines that are in flight before reading pauses: bounds memory, and is plenty to fill batches. */
const MAX_UNACKNOWLEDGED = 10_000;
const STDIN_FD = 0;

const WRONG_LINES = `
A wrong line ends the command with code 2. A file is looked through before its first line is written; of standard input
the lines before the wrong one have been written by then.`;

export function addProduceCommand(program: Command): void {
  const command = program
    .command("produce")
    .argument("<topic>", "topic to write to")
    .description("Write records: one per line from standard input, or from a file.")
    .option("-f, --file <path>", "read from this file instead of standard input")
    .option(
      "--json",
      'each line is a JSON object: {"key", "value", "headers", "partition", "timestampMs"}, as consume --json writes it; {"base64": "AP8="} is bytes',
    )
    .option("-K, --key-separator <text>", "what stands between key and value in a line")
    .option("-p, --partition <number>", "write to this partition", wholeNumber(0))
    .option("--max-request-size <bytes>", "bound of a request, so of a record too (default: 1048576)", wholeNumber(1))
    .addOption(new Option("--acks <acks>", "which answer to wait for").choices(["0", "1", "all"]).default("all"))
    .addOption(
      new Option("--compression <codec>", "codec of the batches")
        .choices(["none", "gzip", "snappy", "lz4", "zstd"])
        .default("none"),
    )
    .addHelpText("after", WRONG_LINES);
  withConnection(command).action(produce);
}

async function produce(topic: string, options: ProduceOptions): Promise<void> {
  if (options.json && options.keySeparator !== undefined) {
    throw new UsageError("--key-separator and --json exclude each other: with --json the key is a field of its own.");
  }
  if (options.keySeparator === "") throw new UsageError("--key-separator is empty; it must be a text, such as :.");
  const parseLine = await lineParser(options);
  const input = await openInput(options.file);
  const signal = interruptSignal();
  // Standard input, and what else can be read but once, is written as it comes.
  const mayBeWrong = options.json || options.keySeparator !== undefined;
  if (input.sizeBytes !== null && mayBeWrong) await checkLines(input, signal, parseLine);
  await requireBroker(options, signal);
  const { Producer } = await import("@ottla/producer");
  await using producer = new Producer({
    ...(await connectionOf(options)),
    acks: options.acks === "all" ? "all" : options.acks === "1" ? 1 : 0,
    compression: options.compression,
    lingerMs: 5,
    ...(options.maxRequestSize !== undefined && { maxRequestSize: options.maxRequestSize }),
  });
  const send = (record: ProducerRecord) => producer.send(record, { signal });
  const stream = input.open();
  const progress = progressOf(input);
  const count = await sendLines(stream, signal, (line, number) => {
    showProgress(progress, stream);
    const parsed = parseLine(line, number);
    return send({ topic, ...(options.partition === undefined ? {} : { partition: options.partition }), ...parsed });
  }).finally(() => progress.stop());
  if (stream === process.stdin && process.stdin.isTTY) process.stderr.write(`${count} records written to ${topic}\n`);
}

function progressOf({ sizeBytes }: Input): Progress {
  return startProgress({ isShown: sizeBytes !== null, total: sizeBytes ?? 0, unit: "bytes" });
}

function showProgress(progress: Progress, stream: Readable): void {
  if (stream instanceof ReadStream) progress.update(stream.bytesRead);
}

/** The schema of JSON lines is loaded only where lines are JSON. */
async function lineParser({ json, keySeparator }: ProduceOptions): Promise<LineParser> {
  if (!json) return textLineParser(keySeparator);
  const { parseJsonLine } = await import("../json-line.ts");
  return parseJsonLine;
}

/** Where lines come from. */
interface Input {
  /** Null where it can be read but once, and nobody knows how much there is. */
  readonly sizeBytes: number | null;
  readonly open: () => Readable;
}

/** @throws UsageError where there is no such file, or nothing to read in it */
async function openInput(file: string | undefined): Promise<Input> {
  if (file === undefined) {
    // Reading it would look like an empty input.
    if (fstatSync(STDIN_FD).isDirectory())
      throw new UsageError("Standard input is a directory; give a file or a pipe.");
    return { sizeBytes: null, open: () => process.stdin };
  }
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error("it is a directory");
    await access(file, constants.R_OK);
    return { sizeBytes: found.isFile() ? found.size : null, open: () => createReadStream(file) };
  } catch (error) {
    throw new UsageError(`The file ${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Nothing of a file is written that has a wrong line. @throws UsageError that names the line */
async function checkLines(input: Input, signal: AbortSignal, parseLine: LineParser): Promise<void> {
  const stream = input.open();
  const progress = progressOf(input);
  let number = 0;
  try {
    for await (const line of linesOf(stream, signal)) {
      showProgress(progress, stream);
      parseLine(line, ++number);
    }
  } finally {
    progress.stop();
    stream.destroy();
  }
}

function linesOf(input: Readable, signal: AbortSignal): Interface {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  if (signal.aborted) lines.close();
  else signal.addEventListener("abort", () => lines.close(), { once: true });
  return lines;
}

/** Sends each line; resolves to how many there were once all are acknowledged, rejects with the first failure. */
async function sendLines(
  input: Readable,
  signal: AbortSignal,
  send: (line: string, number: number) => Promise<unknown>,
): Promise<number> {
  if (signal.aborted) return 0;
  const pending = new Set<Promise<void>>();
  let failure: unknown;
  let count = 0;
  for await (const line of linesOf(input, signal)) {
    const sent = send(line, ++count).then(
      () => void pending.delete(sent),
      (error) => {
        failure ??= error;
        pending.delete(sent);
      },
    );
    pending.add(sent);
    if (pending.size >= MAX_UNACKNOWLEDGED) await Promise.race(pending);
    if (failure !== undefined) break;
  }
  await Promise.all(pending);
  if (failure !== undefined) throw failure;
  return count;
}
