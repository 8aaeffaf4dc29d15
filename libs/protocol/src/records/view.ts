/**
 * A plain `Uint8Array` over `length` bytes from `start`. Costs a third of `subarray`, which has to look up the species
 * of the array.
 */
export function viewOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
}
