import type { Admin, RecordsDeletion } from "@ottla/admin";
import type { ConnectionOptions } from "./connection.ts";
import { UsageError } from "./exit.ts";
import { namedPartitions } from "./named-partitions.ts";
import { printJson, printRows } from "./table.ts";
import { parseTime } from "./time.ts";
import { withAdmin } from "./with-admin.ts";

export interface DeleteRecordsOptions extends ConnectionOptions {
  readonly before: string;
  readonly partition?: readonly number[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Boundary =
  | { readonly kind: "latest" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly timestampMs: number };

/** A partition, where it begins and ends, and where it is to begin. */
interface Cut {
  readonly topic: string;
  readonly partition: number;
  readonly beginOffset: number;
  readonly endOffset: number;
  readonly beforeOffset: number;
}

/** Deletes the oldest records of a topic's partitions, for good. What cannot be done of it is found out before anything is gone. */
export async function deleteRecords(topic: string, options: DeleteRecordsOptions): Promise<void> {
  const boundary = parseBoundary(options.before);
  await withAdmin(options, async (admin) => {
    const cuts = await cutsOf(admin, topic, boundary, options.partition ?? []);
    if (!options.dryRun) await admin.deleteRecords(cuts.map((cut) => deletionOf(cut, boundary)));
    if (options.json) return printJson(cuts);
    const columns = {
      topic: "TOPIC",
      partition: "PARTITION",
      beginOffset: "FROM",
      beforeOffset: "UP TO",
      endOffset: "END",
    };
    printRows(cuts, columns, { empty: "" });
    process.stdout.write(options.dryRun ? "nothing was deleted (--dry-run)\n" : "deleted\n");
  });
}

/** What comes in between is to go too. */
function deletionOf({ topic, partition, beforeOffset }: Cut, { kind }: Boundary): RecordsDeletion {
  return { topic, partition, beforeOffset: kind === "latest" ? "latest" : beforeOffset };
}

function parseBoundary(text: string): Boundary {
  if (text === "latest") return { kind: "latest" };
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return { kind: "offset", offset: Number(text) };
  const timestampMs = parseTime(text);
  if (!Number.isNaN(timestampMs)) return { kind: "time", timestampMs };
  throw new UsageError(
    `--before is "${text}"; it must be latest, the first offset to keep, or a time such as 2026-01-31T12:00:00Z.`,
  );
}

async function cutsOf(admin: Admin, topic: string, boundary: Boundary, named: readonly number[]): Promise<Cut[]> {
  const partitions = (await namedPartitions(admin, topic, named)).map(({ partition }) => partition);
  const ask = async (spec: "earliest" | "latest" | { readonly timestampMs: number }) =>
    (await admin.listOffsets(partitions.map((partition) => ({ topic, partition, spec })))).map(({ offset }) => offset);
  const [begins, ends] = await Promise.all([ask("earliest"), ask("latest")]);
  const found = boundary.kind === "time" ? await ask({ timestampMs: boundary.timestampMs }) : [];
  const cuts = partitions.map((partition, at) => {
    const [beginOffset, endOffset] = [begins[at]!, ends[at]!];
    const inTime = (found[at] ?? -1) < 0 ? endOffset : found[at]!;
    const wanted = boundary.kind === "latest" ? endOffset : boundary.kind === "offset" ? boundary.offset : inTime;
    return { topic, partition, beginOffset, endOffset, beforeOffset: Math.max(beginOffset, wanted) };
  });
  const beyond = cuts.find(({ beforeOffset, endOffset }) => beforeOffset > endOffset);
  if (beyond === undefined) return cuts;
  throw new UsageError(
    `--before ${beyond.beforeOffset}: partition ${beyond.partition} ends at ${beyond.endOffset}. Nothing was deleted; name others with --partition.`,
  );
}
