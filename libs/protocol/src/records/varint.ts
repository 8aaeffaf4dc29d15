/**
 * Zigzag variable-length integers, as records use them: 32-bit lengths and counts ("varint") and 64-bit timestamp
 * deltas ("varlong"). A number has the same encoding as either.
 */

/** The most bytes a varint takes. */
export const MAX_VARINT_BYTES = 5;

/** The most bytes a varlong takes. */
export const MAX_VARLONG_BYTES = 10;

/** Bytes that the 32-bit integer `value` takes as a varint. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes the 32-bit integer `value` and returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = position;
  while (zigzag >= 0x80) {
    bytes[at++] = zigzag | 0x80;
    zigzag >>>= 7;
  }
  bytes[at++] = zigzag;
  return at;
}

/** Bytes that the safe integer `value` takes as a varlong. */
export function varlongSize(value: number): number {
  if (value === (value | 0)) return varintSize(value);
  let zigzag = zigzag64(value);
  let size = 1;
  while (zigzag >= 0x80n) {
    zigzag >>= 7n;
    size++;
  }
  return size;
}

/** Writes the safe integer `value` and returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, position, value);
  let zigzag = zigzag64(value);
  let at = position;
  while (zigzag >= 0x80n) {
    bytes[at++] = Number(zigzag & 0x7fn) | 0x80;
    zigzag >>= 7n;
  }
  bytes[at++] = Number(zigzag);
  return at;
}

/** Deltas outside 32 bits are rare (25 days within one batch), so clarity wins over speed here. */
function zigzag64(value: number): bigint {
  const wide = BigInt(value);
  return BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
}

/** Undoes zigzag for an unsigned 64-bit value; exact within ±2^53, the nearest double beyond. */
export function unzigzag64(zigzag: bigint): number {
  return Number((zigzag >> 1n) ^ -(zigzag & 1n));
}
