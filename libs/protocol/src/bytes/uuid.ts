/**
 * A Kafka UUID in Kafka's own text form: 16 bytes in base64url without padding, 22 characters.
 * Two UUIDs are equal exactly when the strings are.
 */
export type Uuid = string;

/** The UUID of all zeros: "no id". */
export const ZERO_UUID: Uuid = "AAAAAAAAAAAAAAAAAAAAAA";

const UUID_BYTES = 16;
const UUID_CHARS = 22;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const encodeTable = /*#__PURE__*/ Uint8Array.from(ALPHABET, (char) => char.charCodeAt(0));
const INVALID = 0xff;
const decodeTable = /*#__PURE__*/ Uint8Array.from({ length: 128 }, (_, code) => {
  const value = ALPHABET.indexOf(String.fromCharCode(code));
  return value < 0 ? INVALID : value;
});

/** Base64url text of the 16 bytes at `offset`; the caller has checked that they are there. */
export function uuidFromBytes(bytes: Uint8Array, offset = 0): Uuid {
  const chars = new Array<number>(UUID_CHARS);
  let out = 0;
  for (let at = offset; at < offset + UUID_BYTES - 1; at += 3) {
    const bits = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    chars[out++] = encodeTable[bits >>> 18]!;
    chars[out++] = encodeTable[(bits >>> 12) & 63]!;
    chars[out++] = encodeTable[(bits >>> 6) & 63]!;
    chars[out++] = encodeTable[bits & 63]!;
  }
  const last = bytes[offset + UUID_BYTES - 1]!;
  chars[out++] = encodeTable[last >>> 2]!;
  chars[out] = encodeTable[(last & 3) << 4]!;
  return String.fromCharCode.apply(null, chars);
}

/**
 * Writes the 16 bytes of `uuid` at `offset` of `target`, which has room for them.
 * @returns whether `uuid` is 22 characters of base64url; if not, what was written means nothing
 */
export function writeUuidBytes(uuid: Uuid, target: Uint8Array, offset: number): boolean {
  if (uuid.length !== UUID_CHARS) return false;
  let seen = 0;
  const next = (index: number): number => {
    const code = uuid.charCodeAt(index);
    const value = code < 128 ? decodeTable[code]! : INVALID;
    seen |= value;
    return value;
  };
  let out = offset;
  for (let at = 0; at < UUID_CHARS - 2; at += 4) {
    const bits = (next(at) << 18) | (next(at + 1) << 12) | (next(at + 2) << 6) | next(at + 3);
    target[out++] = bits >>> 16;
    target[out++] = bits >>> 8;
    target[out++] = bits;
  }
  target[out] = (next(UUID_CHARS - 2) << 2) | (next(UUID_CHARS - 1) >>> 4);
  return (seen & 0xc0) === 0;
}

/** Whether `text` is a UUID in Kafka's text form. */
export function isUuid(text: string): boolean {
  return writeUuidBytes(text, new Uint8Array(UUID_BYTES), 0);
}

/** Slots of {@link UuidMemo}; a power of two. */
const MEMO_SLOTS = 64;

/**
 * Remembers the text of UUIDs seen lately, as the same topic ids come in every request.
 * Direct-mapped and of fixed size; one belongs to each place that decodes.
 */
export class UuidMemo {
  private readonly keys = new Int32Array(MEMO_SLOTS * 4);
  private readonly texts: Uuid[] = new Array<Uuid>(MEMO_SLOTS).fill(ZERO_UUID);

  /** Text of the 16 bytes at `offset`; the caller has checked that they are there. */
  textOf(bytes: Uint8Array, offset: number): Uuid {
    const a = int32At(bytes, offset);
    const b = int32At(bytes, offset + 4);
    const c = int32At(bytes, offset + 8);
    const d = int32At(bytes, offset + 12);
    const mixed = a ^ b ^ c ^ d;
    const slot = (mixed ^ (mixed >>> 16) ^ (mixed >>> 8)) & (MEMO_SLOTS - 1);
    const { keys } = this;
    const at = slot * 4;
    if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return this.texts[slot]!;
    const text = uuidFromBytes(bytes, offset);
    keys[at] = a;
    keys[at + 1] = b;
    keys[at + 2] = c;
    keys[at + 3] = d;
    this.texts[slot] = text;
    return text;
  }
}

function int32At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}
