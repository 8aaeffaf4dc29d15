import type { ActiveProducer, Admin, TopicPartition } from "@ottla/admin";
import type { ConnectionOptions } from "../connection.ts";
import { printJson, printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

export interface HangingOptions extends ConnectionOptions {
  readonly olderThan: number;
  readonly json?: boolean;
}

/** A transaction that is open in a partition. */
export interface OpenTransaction extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly startOffset: number;
  readonly lastTimestampMs: number;
}

/** Shows the transactions that nobody will end: readers of committed records do not get past them. */
export async function showHanging(topics: readonly string[], options: HangingOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const listed =
      topics.length > 0 ? topics : (await admin.listTopics({ includeInternal: true })).map(({ name }) => name);
    const described = await admin.describeTopics(listed);
    const partitions = described.flatMap(({ name: topic, partitions: all }) =>
      all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic, partition })),
    );
    const sinceMs = Date.now() - options.olderThan * 1000;
    const open = await openTransactions(admin, partitions);
    const hanging = await unknownToCoordinators(
      admin,
      open.filter(({ lastTimestampMs }) => lastTimestampMs <= sinceMs),
    );
    if (options.json) return printJson(hanging);
    const columns = {
      topic: "TOPIC",
      partition: "PARTITION",
      startOffset: "START OFFSET",
      producerId: "PRODUCER ID",
      producerEpoch: "EPOCH",
      lastWritten: "LAST WRITTEN",
    };
    const rows = hanging.map((each) => ({ ...each, lastWritten: new Date(each.lastTimestampMs).toISOString() }));
    printRows(rows, columns, { empty: "no transaction hangs" });
    if (rows.length > 0)
      process.stdout.write("ottla transactions abort TOPIC --partition N --start-offset N ends one\n");
  });
}

/** The transactions that have written to partitions, and have no end there yet. */
export async function openTransactions(
  admin: Admin,
  partitions: readonly TopicPartition[],
): Promise<OpenTransaction[]> {
  const described = await admin.describeProducers(partitions);
  return described.flatMap(({ topic, partition, producers }) =>
    producers.filter(isOpen).map((producer) => ({
      ...{ topic, partition, startOffset: producer.currentTransactionStartOffset },
      ...{ producerId: producer.producerId, producerEpoch: producer.producerEpoch },
      ...{ coordinatorEpoch: producer.coordinatorEpoch, lastTimestampMs: producer.lastTimestampMs },
    })),
  );
}

function isOpen({ currentTransactionStartOffset }: ActiveProducer): boolean {
  return currentTransactionStartOffset >= 0;
}

/** Those that no coordinator has among the partitions of a transaction of that producer: nobody will write their end. */
export async function unknownToCoordinators(
  admin: Admin,
  open: readonly OpenTransaction[],
): Promise<readonly OpenTransaction[]> {
  if (open.length === 0) return [];
  const producerIds = [...new Set(open.map(({ producerId }) => producerId))];
  const listed = await admin.listTransactions({ producerIds });
  const described = await admin.describeTransactions(listed.map(({ transactionalId }) => transactionalId));
  const known = new Set(
    described.flatMap(({ producerId, partitions }) =>
      partitions.map(({ topic, partition }) => `${producerId} ${topic}-${partition}`),
    ),
  );
  return open.filter(({ producerId, topic, partition }) => !known.has(`${producerId} ${topic}-${partition}`));
}
