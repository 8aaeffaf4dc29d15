import { readRecordBatch } from "@ottla/protocol";
import { forEachBatch } from "@ottla/protocol/internal";
import type { MetadataEntry } from "./metadata-log.ts";

const NO_VALUE = new Uint8Array(0);

/** The entries in whole record batches; control batches carry none. The records are copies. */
export async function readEntries(bytes: Uint8Array): Promise<MetadataEntry[]> {
  const positions: number[] = [];
  forEachBatch(bytes, (position) => void positions.push(position));
  const entries: MetadataEntry[] = [];
  for (const position of positions) {
    const batch = await readRecordBatch(bytes, position);
    const records = batch.isControlBatch ? [] : Array.from(batch, (record) => record.value?.slice() ?? NO_VALUE);
    const { baseOffset, lastOffset, partitionLeaderEpoch } = batch;
    entries.push({ baseOffset, endOffset: lastOffset + 1, epoch: partitionLeaderEpoch, records });
  }
  return entries;
}
