import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nativeModules } from "#native";
import { type CompressionCodec, CompressionError } from "./codec.ts";
import { codecById, codecByName } from "./codecs.ts";
import { createGzipCodec } from "./gzip.ts";
import { gunzipMembers } from "./gzip-members.ts";
import { webGzip } from "./gzip-web.ts";
import { createLz4Codec } from "./lz4.ts";
import { portableCodecs } from "./portable-codecs.ts";
import { createSnappyCodec } from "./snappy.ts";
import { createZstdCodec } from "./zstd.ts";
import { loadZstdWasm } from "./zstd-wasm.ts";
import { ZSTD_WASM_GZIP_BASE64 } from "./zstd-wasm-binary.ts";

/** The tiny decoder that takes over where the web's refuses. */
const ownGunzip = {
  compress: webGzip.compress,
  decompress: gunzipMembers,
};

const portable: [string, CompressionCodec][] = [
  ["none", portableCodecs.none],
  ["gzip, web", portableCodecs.gzip],
  ["gzip, own decoder", createGzipCodec(() => ownGunzip)],
  ["snappy, portable", portableCodecs.snappy],
  ["lz4, portable", portableCodecs.lz4],
  ["zstd, portable", portableCodecs.zstd],
];

function native(): [string, CompressionCodec][] {
  const codecs: [string, CompressionCodec][] = [];
  const { gzip, snappy, lz4, zstd } = nativeModules;
  if (gzip() !== null) codecs.push(["gzip, native", createGzipCodec(() => gzip()!)]);
  if (snappy() !== null) codecs.push(["snappy, native", createSnappyCodec(snappy)]);
  if (lz4() !== null) codecs.push(["lz4, native", createLz4Codec(lz4)]);
  if (zstd() !== null) codecs.push(["zstd, native", createZstdCodec(() => zstd()!)]);
  return codecs;
}

const codecs = [...portable, ...native()];

function digits(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => 48 + (((index * index) >> 5) % 10));
}

/** Bytes that do not compress, the same in every run. */
function noise(length: number): Uint8Array {
  let state = 7;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return state >>> 16;
  });
}

function json(count: number): Uint8Array {
  const rows = Array.from({ length: count }, (_, id) => ({ id, user: `user-${(id * 7919) % 1000}`, ok: id % 3 === 0 }));
  return new TextEncoder().encode(JSON.stringify(rows));
}

// Around the block sizes of Snappy (256 KiB), LZ4 (64 KiB - 12) and zstd (128 KiB).
const EDGES = [
  0, 1, 4, 11, 12, 13, 14, 60, 61, 255, 32_768, 65_523, 65_524, 65_525, 65_536, 131_072, 131_073, 262_143, 262_144,
  262_145,
];
const samples: [string, Uint8Array][] = [
  ...EDGES.map((length): [string, Uint8Array] => [`${length} digits`, digits(length)]),
  ...EDGES.map((length): [string, Uint8Array] => [`${length} bytes of noise`, noise(length)]),
  ["a long run", new Uint8Array(300_000).fill(9)],
  ["JSON", json(8000)],
  [
    "noise among runs",
    new Uint8Array([...noise(70_000), ...new Uint8Array(70_000), ...noise(1000), ...digits(70_000)]),
  ],
];

function same(actual: Uint8Array, expected: Uint8Array): boolean {
  return Buffer.compare(actual, expected) === 0;
}

async function failure(read: () => unknown): Promise<unknown> {
  try {
    await read();
  } catch (error) {
    return error;
  }
  return undefined;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 })), { maxLength: 8 })
    .map(
      (runs) =>
        new Uint8Array(runs.flatMap(([pattern, times]) => Array.from({ length: times }, () => [...pattern]).flat())),
    ),
);

describe.each(codecs)("%s", (_name, codec) => {
  test.each(samples)("gives back %s", async (_what, input) => {
    const compressed = await codec.compress(input);
    expect(same(await codec.decompress(compressed, input.length), input)).toBe(true);
  });

  test("gives back any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (input) => {
        const compressed = await codec.compress(input);
        expect(same(await codec.decompress(compressed, input.length), input)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("reads a part of a larger buffer", async () => {
    const input = json(50);
    const outer = new Uint8Array(input.length + 9).fill(0xee);
    outer.set(input, 5);
    const compressed = await codec.compress(outer.subarray(5, 5 + input.length));
    const around = new Uint8Array(compressed.length + 9).fill(0xee);
    around.set(compressed, 4);
    const output = await codec.decompress(around.subarray(4, 4 + compressed.length), input.length);
    expect(same(output, input)).toBe(true);
  });

  test.each([300, 100_000, 3_000_000])("refuses to go above the limit: %d bytes of one kind", async (length) => {
    const compressed = await codec.compress(new Uint8Array(length).fill(1));
    const error = await failure(() => codec.decompress(compressed, length - 1));
    expect(error).toBeInstanceOf(CompressionError);
    expect(error).toMatchObject({ fault: "too-large", codec: codec.name });
  });

  test("damaged data gives a typed error or other data within the limit, never anything else", async () => {
    const original = (await codec.compress(json(30))).slice();
    const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const damaged = original.slice();
        for (const [position, value] of changes) damaged[position] = value;
        const error = await failure(async () => {
          const output = await codec.decompress(damaged, 5000);
          expect(output.length).toBeLessThanOrEqual(5000);
        });
        if (error !== undefined) expect(error).toBeInstanceOf(CompressionError);
      }),
      { numRuns: 300 },
    );
  });

  test("arbitrary data gives a typed error or data within the limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (input) => {
        const error = await failure(() => codec.decompress(input, 1000));
        if (error !== undefined) expect(error).toBeInstanceOf(CompressionError);
      }),
      { numRuns: 200 },
    );
  });
});

test.each(codecs.filter(([name]) => name !== "none"))("%s finds data that is cut short", async (_name, codec) => {
  for (const input of [json(3), noise(40), json(3000)]) {
    const compressed = await codec.compress(input);
    const step = Math.max(1, Math.floor(compressed.length / 200));
    for (let length = 0; length < compressed.length; length += step) {
      const cut = compressed.subarray(0, length);
      let output: Uint8Array | undefined;
      const error = await failure(async () => {
        output = await codec.decompress(cut, 1_000_000);
      });
      if (output === undefined) expect(error).toBeInstanceOf(CompressionError);
      else {
        // A xerial stream has no end mark: it may end after any block. Nothing else may pass.
        expect(codec.name).toBe("snappy");
        expect(same(output, input.subarray(0, output.length))).toBe(true);
      }
    }
  }
});

describe("levels", () => {
  test.each(codecs.filter(([name]) => name === "gzip, native" || name.startsWith("zstd")))(
    "%s",
    async (_name, codec) => {
      const input = json(5000);
      const fast = await codec.compress(input, 1);
      const best = await codec.compress(input, 9);
      expect(best.length).toBeLessThan(fast.length);
      expect(same(await codec.decompress(best, input.length), input)).toBe(true);
    },
  );
});

describe("the same data by other programs", () => {
  const run = (command: string, args: string[], input: Uint8Array): Uint8Array => {
    const { status, stdout, stderr } = spawnSync(command, args, { input, maxBuffer: 1e8 });
    if (status !== 0) throw new Error(`${command}: ${stderr}`);
    return new Uint8Array(stdout);
  };
  const has = (command: string) => spawnSync(command, ["--version"]).status === 0;
  const inputs = [digits(0), digits(100), json(20), json(10_000), noise(200_000), digits(400_000)];

  const writers: Record<string, string[][]> = {
    gzip: [["-1"], ["-9"], ["-n"]],
    // Independent blocks, linked blocks, block checksums, content size, no content checksum, block sizes, levels.
    lz4: [
      [],
      ["-BD"],
      ["-BI", "-B4"],
      ["-BD", "-B4", "-BX"],
      ["-BX", "-B7", "-9"],
      ["-B5", "--no-frame-crc"],
      ["--content-size"],
    ],
    zstd: [[], ["--no-check"], ["-19"], ["--fast=5"]],
  };

  describe.each(Object.keys(writers))("%s", (command) => {
    const ofThis = codecs.filter(([, codec]) => codec.name === command);

    test.skipIf(!has(command)).each(ofThis)("reads what %s writes", async (_name, codec) => {
      for (const input of inputs) {
        expect(same(run(command, ["-d", "-c"], await codec.compress(input)), input)).toBe(true);
      }
    });

    test.skipIf(!has(command)).each(ofThis)("writes what %s reads", async (_name, codec) => {
      for (const input of inputs) {
        for (const options of writers[command]!) {
          const compressed = run(command, [...options, "-c"], input);
          expect(same(await codec.decompress(compressed, input.length), input), options.join(" ")).toBe(true);
        }
      }
    });

    test.skipIf(!has(command)).each(ofThis)("several streams, one after the other, into %s", async (_name, codec) => {
      const parts = [json(100), digits(0), noise(300), digits(70_000)];
      const streams = parts.map((part) => run(command, ["-c"], part));
      const output = await codec.decompress(new Uint8Array(Buffer.concat(streams)), 1_000_000);
      expect(same(output, Buffer.concat(parts))).toBe(true);
    });
  });
});

describe("formats", () => {
  test("lz4: the frame header is that of Kafka's Java client", async () => {
    const compressed = await codecByName("lz4").compress(digits(10));
    expect([...compressed.subarray(0, 7)]).toEqual([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
    expect([...compressed.subarray(-4)]).toEqual([0, 0, 0, 0]);
  });

  test.each(codecs.filter(([, codec]) => codec.name === "snappy"))(
    "%s: xerial frames out, bare blocks in as well",
    async (_name, codec) => {
      const input = json(100);
      const framed = await codec.compress(input);
      expect([...framed.subarray(0, 16)]).toEqual([
        0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1,
      ]);
      const bare = framed.subarray(20);
      expect(same(await codec.decompress(bare, input.length), input)).toBe(true);
    },
  );

  test("zstd: the embedded module is that of the package", () => {
    const main = createRequire(import.meta.url).resolve("@bokuweb/zstd-wasm");
    const wasm = readFileSync(join(dirname(main), "zstd.wasm"));
    expect(same(gunzipSync(Buffer.from(ZSTD_WASM_GZIP_BASE64, "base64")), wasm)).toBe(true);
  });

  test("gzip: our decoder knows every part of a member's header", () => {
    const stream = gzipSync(json(5));
    const header = [...stream.subarray(0, 10)];
    header[3] = 0x02 | 0x04 | 0x08 | 0x10;
    const extras = [3, 0, 1, 2, 3, ...Buffer.from("name\0comment\0"), 9, 9];
    const dressed = new Uint8Array([...header, ...extras, ...stream.subarray(10)]);
    expect(same(gunzipMembers(dressed, 10_000), json(5))).toBe(true);
  });

  test.each([0, 1, 2, 3, 4])("codec %d by id and name", (id) => {
    const codec = codecById(id)!;
    expect(codec.id).toBe(id);
    expect(codecByName(codec.name)).toBe(codec);
  });

  test("there are no others", () => {
    expect(codecById(5)).toBeUndefined();
    expect(codecById(-1)).toBeUndefined();
    expect(codecByName("brotli")).toBeUndefined();
  });
});

describe("small inputs that claim much", () => {
  const le32 = (value: number) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];

  function lz4Frame(block: readonly number[]): Uint8Array {
    return Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, ...le32(block.length), ...block, 0, 0, 0, 0);
  }

  test.each<[string, string, number[] | Uint8Array]>([
    ["lz4, a match of 16 MB", "lz4", lz4Frame([0x1f, 65, 1, 0, ...Array(65_000).fill(255), 0, 0x10, 65])],
    ["lz4, literals past the end", "lz4", lz4Frame([0xf0, 255, 255, 255, 0])],
    ["lz4, a match before the data", "lz4", lz4Frame([0x10, 65, 2, 0, 0x10, 65])],
    ["lz4, a match of offset 0", "lz4", lz4Frame([0x10, 65, 0, 0, 0x10, 65])],
    ["lz4, no literals at the end", "lz4", lz4Frame([0x10, 65, 1, 0])],
    ["snappy, 4 GB claimed", "snappy", [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 65]],
    ["snappy, 16 GB claimed", "snappy", [0xff, 0xff, 0xff, 0xff, 0x3f, 0, 65]],
    ["snappy, a literal of 4 GB", "snappy", [10, 63 << 2, 0xfa, 0xff, 0xff, 0xff, 65, 65, 65]],
    ["snappy, a copy before the data", "snappy", [10, 0, 65, 0b1001 | (5 << 2), 9]],
    ["snappy, a negative offset", "snappy", [10, 0, 65, 3 | (8 << 2), 0xff, 0xff, 0xff, 0xff]],
    ["snappy, less than claimed", "snappy", [3, 0, 65]],
    ["zstd, 1 TB claimed by one raw byte", "zstd", [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 9, 0, 0, 65]],
  ])("%s", async (_what, name, input) => {
    for (const [, codec] of codecs.filter(([, codec]) => codec.name === name)) {
      const error = await failure(() => codec.decompress(Uint8Array.from(input), 128 * 1024 * 1024));
      expect(error).toBeInstanceOf(CompressionError);
      expect(error).toMatchObject({ fault: "corrupt" });
    }
  });

  test("zstd: a memory that grew large is not kept", async () => {
    const zstd = await loadZstdWasm();
    const large = new Uint8Array(80_000_000);
    const compressed = await zstd.compress(large, 1);
    const output = await zstd.decompress(compressed, large.length);
    expect(output.length).toBe(large.length);
    expect(same(await zstd.decompress(await zstd.compress(json(10), 3), 10_000), json(10))).toBe(true);
  });
});
