import type { ConnectionOptions } from "../connection.ts";
import { UsageError } from "../exit.ts";
import { namedPartitions } from "../named-partitions.ts";
import { printJson } from "../table.ts";
import { withAdmin } from "../with-admin.ts";
import { openTransactions, unknownToCoordinators } from "./hanging.ts";

export interface AbortOptions extends ConnectionOptions {
  readonly partition: number;
  readonly startOffset: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Ends a transaction in one partition. One whose coordinator knows it ends by its timeout, everywhere. */
export async function abortTransaction(topic: string, options: AbortOptions): Promise<void> {
  const { partition, startOffset } = options;
  await withAdmin(options, async (admin) => {
    const open = await openTransactions(admin, await namedPartitions(admin, topic, [partition]));
    const found = open.find((each) => each.startOffset === startOffset);
    if (found === undefined) {
      const offsets = open.map((each) => each.startOffset).sort((a, b) => a - b);
      const there = offsets.length === 0 ? "none is open there" : `those open there begin at ${offsets.join(", ")}`;
      throw new UsageError(
        `--start-offset ${startOffset}: no transaction of ${topic}-${partition} begins there; ${there}.`,
      );
    }
    if (!options.force && (await unknownToCoordinators(admin, [found])).length === 0) {
      throw new Error(
        `the transaction of producer ${found.producerId} is known to its coordinator, and ends by its timeout; with --force it is aborted in this partition alone.`,
      );
    }
    if (!options.dryRun) await admin.abortTransaction(found);
    if (options.json) return printJson(found);
    const what = `the transaction of producer ${found.producerId} in ${topic}-${partition} from offset ${startOffset} on`;
    process.stdout.write(
      options.dryRun ? `would abort ${what}; nothing was changed (--dry-run)\n` : `aborted ${what}\n`,
    );
  });
}
