/** Strings up to this many bytes are decoded here; above, calling the TextDecoder costs less than the loop. */
const SHORT_BYTES = 32;

// ignoreBOM keeps a leading U+FEFF in the string instead of swallowing it.
const decoder = /*#__PURE__*/ new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = /*#__PURE__*/ new TextEncoder();

/** Text of `bytes[start, end)`; bytes that are not UTF-8 become U+FFFD, as in Kafka. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_BYTES) {
    const text = shortAscii(bytes, start, end);
    if (text !== undefined) return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at]!;
    const b = bytes[at + 1]!;
    const c = bytes[at + 2]!;
    const d = bytes[at + 3]!;
    if ((a | b | c | d) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    const a = bytes[at]!;
    if (a > 0x7f) return undefined;
    text += String.fromCharCode(a);
  }
  return text;
}

/** Bytes of `text` in UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isPair(text, at, unit)) {
      // Two units, four bytes: the second unit is counted already.
      length += 2;
      at++;
    } else length += 2;
  }
  return length;
}

function isPair(text: string, at: number, unit: number): boolean {
  return (unit & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}

/**
 * Writes ASCII `text` at `offset`, where there is room for `text.length` bytes.
 * @returns false as soon as a character is not ASCII; what was written then means nothing
 */
export function writeAscii(text: string, target: Uint8Array, offset: number): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return false;
    target[offset + at] = unit;
  }
  return true;
}

/** Writes `text` at `offset`, where there is room for {@link utf8Length} bytes. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): void {
  encoder.encodeInto(text, target.subarray(offset));
}
