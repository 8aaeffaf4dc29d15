import type { Consumer, ConsumerRecord, TopicPartition } from "@ottla/consumer";
import type { Command } from "commander";
import { type ConnectionOptions, connectionOf, withConnection } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { formatJsonLine, formatTextLine } from "../record-lines.ts";
import { checkGroupStart, parseStart, type StartPosition } from "../start-position.ts";
import { requireTopic } from "../with-admin.ts";

interface ConsumeOptions extends ConnectionOptions {
  readonly from: string;
  readonly group?: string;
  readonly max?: number;
  readonly json?: boolean;
  readonly keySeparator: string;
}

export function addConsumeCommand(program: Command): void {
  const command = program
    .command("consume")
    .argument("<topic>", "topic to read")
    .description("Read records and print one per line, until Ctrl-C or --max.")
    .option(
      "--from <where>",
      "beginning, end, an offset, or an ISO time; in a group, beginning or end: where to start without a commit",
      "end",
    )
    .option("-g, --group <id>", "read as a member of this consumer group, and commit")
    .option("-n, --max <count>", "end after this many records", wholeNumber(1))
    .option("--json", "print each record as a JSON object with its partition, offset, time and headers")
    .option("-K, --key-separator <text>", "what to print between key and value", "\t");
  withConnection(command).action(consume);
}

async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const start = parseStart(options.from);
  if (options.group !== undefined) checkGroupStart(start);
  if (options.group === "") throw new UsageError("--group is empty; it must be the id of a group.");
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
  await printRecords(consumer, options);
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

async function printRecords(consumer: Consumer, options: ConsumeOptions): Promise<void> {
  const format = options.json
    ? formatJsonLine
    : (record: ConsumerRecord) => formatTextLine(record, options.keySeparator);
  let left = options.max ?? Number.POSITIVE_INFINITY;
  for await (const record of consumer) {
    if (!process.stdout.write(`${format(record)}\n`)) await drained();
    if (--left === 0) return options.group === undefined ? undefined : await consumer.commit(record);
  }
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once("drain", resolve));
}
