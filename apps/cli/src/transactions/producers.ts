import type { ConnectionOptions } from "../connection.ts";
import { namedPartitions } from "../named-partitions.ts";
import { printRows } from "../table.ts";
import { withAdmin } from "../with-admin.ts";

export interface ProducersOptions extends ConnectionOptions {
  readonly partition?: readonly number[];
  readonly json?: boolean;
}

/** Who has written to a topic's partitions, as their leaders remember it. */
export async function showProducers(topic: string, options: ProducersOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const described = await admin.describeProducers(await namedPartitions(admin, topic, options.partition));
    const rows = described.flatMap(({ partition, producers }) =>
      producers.map((producer) => ({ topic, partition, ...producer })),
    );
    if (options.json) return printRows(rows, {}, { json: true, empty: "" });
    const columns = {
      partition: "PARTITION",
      producerId: "PRODUCER ID",
      producerEpoch: "EPOCH",
      coordinatorEpoch: "COORDINATOR EPOCH",
      lastSequence: "LAST SEQUENCE",
      lastWritten: "LAST WRITTEN",
      openSince: "OPEN SINCE OFFSET",
    };
    printRows(
      rows.map(({ lastTimestampMs, currentTransactionStartOffset: start, ...row }) => ({
        ...row,
        lastWritten: lastTimestampMs < 0 ? "-" : new Date(lastTimestampMs).toISOString(),
        openSince: start < 0 ? "-" : start,
      })),
      columns,
      { empty: "no idempotent producers" },
    );
  });
}
