import { decodeUtf8 } from "../bytes/utf8.ts";
import type { RecordHeader } from "./types.ts";
import { viewOf } from "./view.ts";

/**
 * The headers of a record: an ordered list of `[name, value]` pairs in which names may repeat. It is an array, and
 * may be given to a producer as it is.
 */
export class RecordHeaders extends Array<RecordHeader> {
  /** `map`, `filter` and the like give plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** The value of the last header called `name` (Kafka's `lastHeader`); undefined if there is none. */
  get(name: string): Uint8Array | null | undefined {
    for (let index = this.length - 1; index >= 0; index--) {
      const header = this[index]!;
      if (header[0] === name) return header[1];
    }
    return undefined;
  }

  /** The values of all headers called `name`, in order. */
  getAll(name: string): (Uint8Array | null)[] {
    const values: (Uint8Array | null)[] = [];
    for (let index = 0; index < this.length; index++) {
      const header = this[index]!;
      if (header[0] === name) values.push(header[1]);
    }
    return values;
  }
}

/** Decodes the headers at `[start, end)`, which a cursor has walked over before: they are known to be whole. */
export function decodeHeaders(bytes: Uint8Array, start: number, end: number): RecordHeaders {
  const headers = new RecordHeaders();
  let position = start;
  const readLength = (): number => {
    let zigzag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++]!;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
    }
  };
  while (position < end) {
    const nameLength = readLength();
    const name = decodeUtf8(bytes, position, position + nameLength);
    position += nameLength;
    const valueLength = readLength();
    headers.push([name, valueLength < 0 ? null : viewOf(bytes, position, valueLength)]);
    if (valueLength > 0) position += valueLength;
  }
  return headers;
}
