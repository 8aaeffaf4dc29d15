import { MessageChannel, type MessagePort } from "node:worker_threads";

/** Less than this is not worth the call. */
const WORTH_BYTES = 16 * 1024;

/** Part of Node.js 21 and later. */
interface TransferableBuffer {
  transfer?(newByteLength: number): unknown;
}

/** A port whose other end is closed: what is transferred to it is nobody's, and is freed. */
const nowhere = closedPort();

/**
 * Frees the memory of an array that has a whole buffer to itself; what looks at the buffer finds it empty.
 *
 * It is V8's count of memory outside its heap that matters: what is freed here does not make it mark its heap again.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < WORTH_BYTES || byteLength !== buffer.byteLength) return;
  const transferable = buffer as TransferableBuffer;
  if (transferable.transfer === undefined) nowhere.postMessage(null, [buffer as ArrayBuffer]);
  else transferable.transfer(0);
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}
