import { nativeModules } from "#native";

/** The Castagnoli polynomial, bit-reversed. */
const POLYNOMIAL = 0x82f63b78;

/** From this size on a native call is worth its overhead (measured: equal at about 400 bytes). */
const NATIVE_MIN_BYTES = 512;

const SLICES = 16;

/** Table `k` (256 entries each) advances a byte's remainder past `k` further bytes. */
const TABLES = buildTables();

function buildTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    tables[byte] = remainder;
  }
  for (let index = 256; index < tables.length; index++) {
    const previous = tables[index - 256]!;
    tables[index] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/**
 * CRC-32C (Castagnoli) of `bytes[start, end)` as an unsigned 32-bit number, the checksum of Kafka's record batches.
 * A native implementation takes over from 512 bytes up where the platform has one; it reads the input in place.
 *
 * @param seed the checksum of the bytes before `start`, to continue it; 0 begins anew
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start >= NATIVE_MIN_BYTES) {
    const native = nativeModules.crc32c();
    if (native !== null) return native(bytes.subarray(start, end), seed);
  }
  return crc32cPortable(bytes, start, end, seed);
}

/** {@link crc32c} in plain JavaScript: sixteen bytes a step through sixteen tables. */
export function crc32cPortable(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const t = TABLES;
  let crc = ~seed;
  let p = start;
  for (const last = end - SLICES; p <= last; p += SLICES) {
    crc =
      t[3840 + (bytes[p]! ^ (crc & 0xff))]! ^
      t[3584 + (bytes[p + 1]! ^ ((crc >>> 8) & 0xff))]! ^
      t[3328 + (bytes[p + 2]! ^ ((crc >>> 16) & 0xff))]! ^
      t[3072 + (bytes[p + 3]! ^ (crc >>> 24))]! ^
      t[2816 + bytes[p + 4]!]! ^
      t[2560 + bytes[p + 5]!]! ^
      t[2304 + bytes[p + 6]!]! ^
      t[2048 + bytes[p + 7]!]! ^
      t[1792 + bytes[p + 8]!]! ^
      t[1536 + bytes[p + 9]!]! ^
      t[1280 + bytes[p + 10]!]! ^
      t[1024 + bytes[p + 11]!]! ^
      t[768 + bytes[p + 12]!]! ^
      t[512 + bytes[p + 13]!]! ^
      t[256 + bytes[p + 14]!]! ^
      t[bytes[p + 15]!]!;
  }
  for (; p < end; p++) crc = (crc >>> 8) ^ t[(crc ^ bytes[p]!) & 0xff]!;
  return ~crc >>> 0;
}
