/** Less than this is not worth the call. */
const WORTH_BYTES = 16 * 1024;

/** Part of Node.js 21 and later. */
interface TransferableBuffer {
  transfer?(newByteLength: number): unknown;
}

/**
 * Frees the memory of an array that has a whole buffer to itself; what looks at the buffer finds it empty. Does nothing
 * before Node.js 21: there the garbage collector finds it.
 *
 * It is V8's count of memory outside its heap that matters: what is freed here does not make it mark its heap again.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < WORTH_BYTES || byteLength !== buffer.byteLength) return;
  (buffer as TransferableBuffer).transfer?.(0);
}
