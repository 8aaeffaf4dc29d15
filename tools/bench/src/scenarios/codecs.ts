import { type CompressionCodec, type CompressionType, codecByName, RecordBatchBuilder } from "@ottla/protocol";
import { portableCodecs } from "@ottla/protocol/internal";
import { repeat } from "../harness/repeat.ts";
import type { Contestant, Row, Scenario } from "../harness/scenario.ts";
import { platformaticCodecs } from "../rivals/platformatic.ts";

const CODECS = ["gzip", "snappy", "lz4", "zstd"] as const;
const SIZES = [16 * 1024, 1024 * 1024];
const MEGABYTE = 1e6;
const BATCH_HEADER_BYTES = 61;

/** The records section of a batch of small JSON documents, about as compressible as such things are. */
function recordsSection(sizeBytes: number): Buffer {
  const builder = new RecordBatchBuilder({ initialCapacityBytes: sizeBytes * 2 });
  let random = 12345;
  const next = (below: number) => {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    return (random >>> 8) % below;
  };
  for (let id = 0; builder.sizeBytes < sizeBytes + BATCH_HEADER_BYTES; id++) {
    const row = { id, user: `user-${next(10_000)}`, amount: next(1_000_000) / 100, currency: "EUR", ok: next(20) > 0 };
    builder.append(`key-${next(500)}`, JSON.stringify(row), [], 1_700_000_000_000 + id);
  }
  return Buffer.from(
    builder.close({ compression: "none" }).subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + sizeBytes),
  );
}

type Direction = "compress" | "decompress";

async function ours(name: string, codec: CompressionCodec, data: Buffer, direction: Direction): Promise<Contestant> {
  const amount = data.length / MEGABYTE;
  const compressed = await codec.compress(data);
  if (direction === "compress") return repeat(name, amount, () => codec.compress(data));
  return repeat(name, amount, () => codec.decompress(compressed, data.length));
}

function rival(type: Exclude<CompressionType, "none">, data: Buffer, direction: Direction): Contestant[] {
  const codec = platformaticCodecs[type];
  if (!codec.available) return [];
  const amount = data.length / MEGABYTE;
  if (direction === "compress") return [repeat("@platformatic/kafka", amount, () => codec.compressSync(data))];
  const compressed = codec.compressSync(data);
  return [repeat("@platformatic/kafka", amount, () => codec.decompressSync(compressed))];
}

async function row(type: (typeof CODECS)[number], sizeBytes: number, direction: Direction): Promise<Row> {
  const data = recordsSection(sizeBytes);
  const rivals = rival(type, data, direction);
  return {
    name: `${type}, ${direction} ${sizeBytes / 1024} KiB`,
    unit: "MB/s",
    baseline: rivals[0]?.name ?? "ottla, portable",
    contestants: [
      await ours("ottla", codecByName(type), data, direction),
      await ours("ottla, portable", portableCodecs[type], data, direction),
      ...rivals,
    ],
  };
}

const scenario: Scenario = {
  name: "codecs",
  description: "compression of a batch's records (JSON), MB/s of uncompressed data",
  quietSeconds: { quick: 16, full: 31 },
  inQuick: false,
  inFull: false,
  async *rows() {
    for (const type of CODECS) {
      for (const sizeBytes of SIZES) {
        for (const direction of ["compress", "decompress"] as const) yield await row(type, sizeBytes, direction);
      }
    }
  },
};

export default scenario;
