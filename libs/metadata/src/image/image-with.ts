import type { NewMetadataRecord } from "../records/metadata-record.ts";
import { asWritten } from "../records/record-serde.ts";
import { applyRecord } from "./apply-records.ts";
import type { MetadataImage } from "./metadata-image.ts";

/** The metadata as they will be once these records, which are decided but not written yet, are in the log. */
export function imageWith(image: MetadataImage, changes: readonly NewMetadataRecord[]): MetadataImage {
  return changes.reduce(
    (before, record) => applyRecord(before, asWritten(record), before.offset + 1, before.epoch),
    image,
  );
}
