/** What the first bytes of a connection say that it speaks. */
export type Sniffed = "http" | "tls" | "kafka";

const LETTER_A = 0x41;
const LETTER_Z = 0x5a;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 0x03;

/**
 * Tells HTTP and TLS from Kafka. HTTP begins with the letters of a method: read as the size of a frame, more than 1 GB.
 * A TLS handshake begins with what would be a frame of about 370 MB.
 */
export function sniff(firstChunk: Uint8Array, maxRequestBytes: number): Sniffed {
  const first = firstChunk[0] ?? 0;
  if (first >= LETTER_A && first <= LETTER_Z) return "http";
  const isTls = first === TLS_HANDSHAKE && firstChunk[1] === TLS_MAJOR_VERSION;
  return isTls && maxRequestBytes < TLS_HANDSHAKE << 24 ? "tls" : "kafka";
}
