import { codecByName, crc32c, type RecordBatch, RecordBatchBuilder, readRecordBatch } from "@ottla/protocol";
import { crc32cPortable, portableCodecs } from "@ottla/protocol/internal";
import { RECORD_KEY, recordValues } from "../clients/bench-client.ts";
import { dataPathWork } from "./data-path-work.ts";
import type { GuardedWork } from "./guard.ts";

const TIME = 1_700_000_000_000;
const BATCH_HEADER_BYTES = 61;
const CODEC_INPUT_BYTES = 16 * 1024;
const CODECS = ["gzip", "snappy", "lz4", "zstd"] as const;

/** What happens to each batch: encode, checksum, decode, compress and decompress; and the steps of the data path. */
export async function guardedWork(): Promise<GuardedWork[]> {
  const values = recordValues(100);
  const buffer = new Uint8Array(256 * 1024);
  const encode = () => {
    const builder = new RecordBatchBuilder({ buffer });
    for (const value of values) builder.append(RECORD_KEY, value, [], TIME);
    return builder.close({ compression: "none" });
  };
  const batch = encode().slice();
  const section = batch.slice(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + CODEC_INPUT_BYTES);
  return [
    { name: "encode 1,000 records", run: encode },
    { name: "decode 1,000 records", reference: "objects", run: () => decode(batch) },
    { name: "crc32c of 16 KiB", run: () => crc32c(section) },
    { name: "crc32c of 16 KiB, portable", run: () => crc32cPortable(section, 0, section.length) },
    ...(await codecWork(section)),
    ...(await dataPathWork(values)),
  ];
}

function decode(bytes: Uint8Array): number {
  let sum = 0;
  for (const { key, value } of readRecordBatch(bytes) as RecordBatch) sum += (key?.length ?? 0) + (value?.length ?? 0);
  return sum;
}

async function codecWork(section: Uint8Array): Promise<GuardedWork[]> {
  const work: GuardedWork[] = [];
  for (const name of CODECS) {
    for (const [suffix, codec] of [
      ["", codecByName(name)],
      [", portable", portableCodecs[name]],
    ] as const) {
      const compressed = await codec.compress(section);
      work.push({ name: `${name}, compress 16 KiB${suffix}`, run: () => codec.compress(section) });
      work.push({
        name: `${name}, decompress 16 KiB${suffix}`,
        run: () => codec.decompress(compressed, section.length),
      });
    }
  }
  return work;
}
