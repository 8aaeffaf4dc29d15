/**
 * Zigzag variable-length integers, as records use them: 32-bit lengths and counts ("varint") and 64-bit timestamp
 * deltas ("varlong"). A number has the same encoding as either. Most take one or two bytes; those go first, in
 * functions small enough to be inlined.
 */

/** The most bytes a varint takes. */
export const MAX_VARINT_BYTES = 5;

/** The most bytes a varlong takes. */
export const MAX_VARLONG_BYTES = 10;

/** Bytes that the 32-bit integer `value` takes as a varint. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  return zigzag < 0x4000 ? 2 : longVarintSize(zigzag);
}

function longVarintSize(zigzag: number): number {
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes the 32-bit integer `value` and returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) {
    bytes[position] = zigzag;
    return position + 1;
  }
  if (zigzag < 0x4000) {
    bytes[position] = zigzag | 0x80;
    bytes[position + 1] = zigzag >>> 7;
    return position + 2;
  }
  return writeLongVarint(bytes, position, zigzag);
}

function writeLongVarint(bytes: Uint8Array, position: number, zigzag: number): number {
  let rest = zigzag;
  let at = position;
  while (rest >= 0x80) {
    bytes[at++] = rest | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Bytes that the safe integer `value` takes as a varlong. */
export function varlongSize(value: number): number {
  return value === (value | 0) ? varintSize(value) : wideVarlongSize(value);
}

function wideVarlongSize(value: number): number {
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
  return value === (value | 0) ? writeVarint(bytes, position, value) : writeWideVarlong(bytes, position, value);
}

function writeWideVarlong(bytes: Uint8Array, position: number, value: number): number {
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
