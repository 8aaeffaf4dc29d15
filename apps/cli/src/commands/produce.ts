import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { ProducerRecord } from "@ottla/producer";
import { type Command, Option } from "commander";
import { type ConnectionOptions, connectionOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
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

export function addProduceCommand(program: Command): void {
  const command = program
    .command("produce")
    .argument("<topic>", "topic to write to")
    .description("Write records: one per line from standard input, or from a file.")
    .option("-f, --file <path>", "read from this file instead of standard input")
    .option("--json", 'each line is a JSON object: {"key", "value", "headers", "partition", "timestampMs"}')
    .option("-K, --key-separator <text>", "what stands between key and value in a line")
    .option("-p, --partition <number>", "write to this partition", wholeNumber(0))
    .option("--max-request-size <bytes>", "bound of a request, so of a record too (default: 1048576)", wholeNumber(1))
    .addOption(new Option("--acks <acks>", "which answer to wait for").choices(["0", "1", "all"]).default("all"))
    .addOption(
      new Option("--compression <codec>", "codec of the batches")
        .choices(["none", "gzip", "snappy", "lz4", "zstd"])
        .default("none"),
    );
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
  const count = await sendLines(input, signal, (line, number) => {
    const parsed = parseLine(line, number);
    return send({ topic, ...(options.partition === undefined ? {} : { partition: options.partition }), ...parsed });
  });
  if (input === process.stdin && process.stdin.isTTY) process.stderr.write(`${count} records written to ${topic}\n`);
}

/** The schema of JSON lines is loaded only where lines are JSON. */
async function lineParser({ json, keySeparator }: ProduceOptions): Promise<LineParser> {
  if (!json) return textLineParser(keySeparator);
  const { parseJsonLine } = await import("../json-line.ts");
  return parseJsonLine;
}

async function openInput(file: string | undefined): Promise<Readable> {
  if (file === undefined) return process.stdin;
  try {
    await using opened = await open(file);
    if ((await opened.stat()).isDirectory()) throw new Error("it is a directory");
  } catch (error) {
    throw new UsageError(`The file ${file} cannot be read: ${(error as Error).message}`);
  }
  return createReadStream(file);
}

/** Sends each line; resolves to how many there were once all are acknowledged, rejects with the first failure. */
async function sendLines(
  input: Readable,
  signal: AbortSignal,
  send: (line: string, number: number) => Promise<unknown>,
): Promise<number> {
  if (signal.aborted) return 0;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  signal.addEventListener("abort", () => lines.close());
  const pending = new Set<Promise<void>>();
  let failure: unknown;
  let count = 0;
  for await (const line of lines) {
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
