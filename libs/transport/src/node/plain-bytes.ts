/**
 * The same bytes as a plain Uint8Array. Node.js reads into Buffers, whose `slice` and `subarray` give Buffers again,
 * and whose `slice` is a view where that of every other Uint8Array is a copy: what is meant to be a copy would change
 * with the original, and keep it in memory. So none gets past a channel.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
