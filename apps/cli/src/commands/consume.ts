import type { Consumer, ConsumerRecord, TopicPartition } from "@ottla/consumer";
import type { Command } from "commander";
import { type ConnectionOptions, connectionOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { type Progress, startProgress } from "../progress.ts";
import { readTheEnds } from "../read-to-end.ts";
import { formatJsonLine, formatTextLine } from "../record-lines.ts";
import { checkGroupStart, parseStart, type StartPosition } from "../start-position.ts";
import { requireTopic } from "../with-admin.ts";

interface ConsumeOptions extends ConnectionOptions {
  readonly from: string;
  readonly group?: string;
  readonly max?: number;
  readonly untilEnd?: boolean;
  readonly json?: boolean;
  readonly keySeparator: string;
}

export function addConsumeCommand(program: Command): void {
  const command = program
    .command("consume")
    .argument("<topic>", "topic to read")
    .description("Read records and print one per line, until Ctrl-C, --max or --until-end.")
    .option(
      "--from <where>",
      "beginning, end, an offset, or an ISO time; in a group, beginning or end: where to start without a commit",
      "end",
    )
    .option("-g, --group <id>", "read as a member of this consumer group, and commit")
    .option("-n, --max <count>", "end after this many records", wholeNumber(1))
    .option("--until-end", "end with the last record that is there when reading starts; not in a group")
    .option(
      "--json",
      "print each record as a JSON object with its partition, offset, time and headers: for produce --json",
    )
    .option("-K, --key-separator <text>", "what to print between key and value", "\t");
  withConnection(command).action(consume);
}

async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const start = parseStart(options.from);
  if (options.group !== undefined) checkGroupStart(start);
  if (options.group === "") throw new UsageError("--group is empty; it must be the id of a group.");
  if (options.untilEnd) checkUntilEnd(start, options);
  const signal = interruptSignal();
  await requireTopic(topic, options, signal);
  const { Consumer: ConsumerClass } = await import("@ottla/consumer");
  await using consumer = new ConsumerClass({
    ...(await connectionOf(options)),
    allowAutoCreateTopics: false,
    autoOffsetReset: start.kind === "beginning" ? "earliest" : "latest",
    ...(options.group === undefined ? {} : { groupId: options.group, topics: [topic] }),
  });
  if (signal.aborted) return;
  signal.addEventListener("abort", () => void consumer.close());
  if (options.group === undefined) await assignAll(consumer, topic, start);
  if (options.untilEnd) await printUntilEnd(consumer, options);
  else await printRecords(consumer, options);
}

/** @throws UsageError where there is no end, or nothing before it */
function checkUntilEnd({ kind }: StartPosition, { group }: ConsumeOptions): void {
  if (group !== undefined) {
    throw new UsageError(
      "--until-end and --group exclude each other: others of the group may read what is missing here.",
    );
  }
  if (kind === "end")
    throw new UsageError("--until-end needs a --from before the end: beginning, an offset or a time.");
}

async function assignAll(consumer: Consumer, topic: string, start: StartPosition): Promise<void> {
  const partitions = await consumer.partitionsFor(topic);
  consumer.assign(partitions);
  if (start.kind === "beginning") consumer.seekToBeginning(partitions);
  else if (start.kind === "end") consumer.seekToEnd(partitions);
  else if (start.kind === "offset") for (const partition of partitions) consumer.seek(partition, start.offset);
  else await seekToTime(consumer, partitions, start.timestampMs);
}

/** Partitions without a record that late are left to `autoOffsetReset`: they start at their end. */
async function seekToTime(
  consumer: Consumer,
  partitions: readonly TopicPartition[],
  timestampMs: number,
): Promise<void> {
  const found = await consumer.offsetsForTimes(partitions.map((partition) => ({ ...partition, timestampMs })));
  for (const { offset, ...partition } of found) consumer.seek(partition, offset);
}

/** What prints a record; it waits where nobody takes the output as fast. */
function printerOf(options: ConsumeOptions): (record: ConsumerRecord) => Promise<void> | undefined {
  const format = options.json
    ? formatJsonLine
    : (record: ConsumerRecord) => formatTextLine(record, options.keySeparator);
  return (record) => (process.stdout.write(`${format(record)}\n`) ? undefined : drained());
}

async function printRecords(consumer: Consumer, options: ConsumeOptions): Promise<void> {
  const print = printerOf(options);
  const max = options.max ?? Number.POSITIVE_INFINITY;
  const progress = progressOf(options.max);
  let count = 0;
  try {
    for await (const record of consumer) {
      const waiting = print(record);
      if (waiting !== undefined) await waiting;
      progress.update(++count);
      if (count === max) return options.group === undefined ? undefined : await consumer.commit(record);
    }
  } finally {
    progress.stop();
  }
}

async function printUntilEnd(consumer: Consumer, options: ConsumeOptions): Promise<void> {
  const print = printerOf(options);
  const ends = await readTheEnds(consumer);
  const max = Math.min(options.max ?? Number.POSITIVE_INFINITY, ends.offsetsLeft);
  const progress = progressOf(max);
  let count = 0;
  try {
    for await (const record of ends.records()) {
      const waiting = print(record);
      if (waiting !== undefined) await waiting;
      progress.update(++count);
      if (count === max) return;
    }
  } finally {
    progress.stop();
  }
}

/** Records that go by in the terminal are progress enough. */
function progressOf(total: number | undefined): Progress {
  return startProgress({ isShown: total !== undefined && !process.stdout.isTTY, total: total ?? 0, unit: "records" });
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once("drain", resolve));
}
