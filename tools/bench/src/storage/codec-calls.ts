import { type CompressionCodec, codecByName, RecordBatch } from "@ottla/protocol";

const CODECS = (["gzip", "snappy", "lz4", "zstd"] as const).map((name) => codecByName(name));

/** Counts what this process does with the records of batches: each time it opens a batch, decompresses or compresses. */
export class CodecCalls {
  /** Batches whose records were decoded. */
  decodes = 0;
  /** Batches that were decompressed, and compressed anew. */
  decompressions = 0;
  compressions = 0;
  readonly #restore: (() => void)[] = [];

  get count(): number {
    return this.decodes + this.decompressions + this.compressions;
  }

  start(): void {
    this.#patch(RecordBatch.prototype, "cursor", () => this.decodes++);
    for (const codec of CODECS) {
      this.#patch(codec, "decompress", () => this.decompressions++);
      this.#patch(codec, "compress", () => this.compressions++);
    }
  }

  stop(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  #patch(owner: CompressionCodec | RecordBatch, name: string, count: () => void): void {
    const methods = owner as unknown as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      count();
      return original.apply(this, args);
    };
    this.#restore.push(() => {
      methods[name] = original;
    });
  }
}
