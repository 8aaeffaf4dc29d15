/** The chunks one after the other; a single one is returned as it is. */
export function concatenate(chunks: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const first = chunks[0];
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(totalBytes);
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}
