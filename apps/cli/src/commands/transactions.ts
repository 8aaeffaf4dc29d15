import type { TransactionDescription } from "@ottla/admin";
import { type Command, Option } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.ts";
import { collectPartitions, wholeNumber } from "../options.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

interface BaseOptions extends ConnectionOptions {
  readonly json?: boolean;
}

const STATES = ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead"];

/** No transaction may be open for longer than the broker's `transaction.max.timeout.ms`, 15 minutes by default. */
const HANGS_AFTER_SECONDS = 900;

/** `ottla transactions`: what Kafka's `kafka-transactions` does. */
export function addTransactionsCommand(program: Command): void {
  const transactions = program
    .command("transactions")
    .description("List and describe transactions, find those that hang, and end them.");
  withConnection(transactions.command("list"))
    .description("List transactional ids.")
    .addOption(new Option("--state <state...>", "in these states only").choices(STATES))
    .option("--json", "print JSON")
    .action(listTransactions);
  withConnection(transactions.command("describe"))
    .argument("<id...>", "transactional ids")
    .description("Show state, producer, and the partitions that a transaction has written to.")
    .option("--json", "print JSON")
    .action(describeTransactions);
  withConnection(transactions.command("producers"))
    .argument("<topic>", "name of the topic")
    .description("Show the idempotent and transactional producers that the leaders of partitions remember.")
    .option("-p, --partition <numbers>", "these only, with commas between them (default: all)", collectPartitions)
    .option("--json", "print JSON")
    .action(async (topic, options) => (await import("../transactions/producers.ts")).showProducers(topic, options));
  withConnection(transactions.command("find-hanging"))
    .argument("[topic...]", "names of topics (default: all, internal ones too)")
    .description("Find transactions that are open in a partition, and that no coordinator will end.")
    .option("--older-than <seconds>", "open for longer than this", wholeNumber(0), HANGS_AFTER_SECONDS)
    .option("--json", "print JSON")
    .action(async (topics, options) => (await import("../transactions/hanging.ts")).showHanging(topics, options));
  withConnection(transactions.command("abort"))
    .argument("<topic>", "name of the topic")
    .description("End a transaction that hangs, so that readers of committed records go on behind it.")
    .requiredOption("-p, --partition <number>", "the partition that it is open in", partition)
    .requiredOption("--start-offset <offset>", "where it begins there, as find-hanging shows", offset)
    .option("--force", "also one that its coordinator will end")
    .option("--dry-run", "show what would be aborted, change nothing")
    .option("--json", "print JSON")
    .action(async (topic, options) => (await import("../transactions/abort.ts")).abortTransaction(topic, options));
}

/** The parser of an option is given what came before, too. */
const partition = (text: string) => wholeNumber(0)(text);
const offset = (text: string) => wholeNumber(0)(text);

async function listTransactions(options: BaseOptions & { readonly state?: readonly string[] }): Promise<void> {
  await withAdmin(options, async (admin) => {
    const rows = await admin.listTransactions(options.state === undefined ? {} : { states: options.state });
    const columns = { transactionalId: "TRANSACTIONAL ID", producerId: "PRODUCER ID", state: "STATE" };
    printRows(rows, columns, { json: options.json ?? false, empty: "no transactions" });
  });
}

async function describeTransactions(ids: string[], options: BaseOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const described = await admin.describeTransactions(ids);
    if (options.json) return printJson(described);
    const columns = {
      transactionalId: "TRANSACTIONAL ID",
      state: "STATE",
      producerId: "PRODUCER ID",
      producerEpoch: "EPOCH",
      timeoutMs: "TIMEOUT MS",
      started: "STARTED",
      partitions: "PARTITIONS",
    };
    printRows(described.map(rowOf), columns, { empty: "" });
  });
}

function rowOf(described: TransactionDescription) {
  const { startTimeMs, partitions } = described;
  return {
    ...described,
    started: startTimeMs < 0 ? "-" : new Date(startTimeMs).toISOString(),
    partitions: partitions.length === 0 ? "-" : partitions.map((each) => `${each.topic}-${each.partition}`).join(","),
  };
}
