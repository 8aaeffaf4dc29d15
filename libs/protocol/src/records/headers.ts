import type { RecordHeader } from "./types.ts";

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

/**
 * Makes the array a {@link RecordHeaders}. Constructing a class derived from Array costs four times as much as filling
 * a plain array and giving it another prototype.
 */
export function asRecordHeaders(headers: RecordHeader[]): RecordHeaders {
  return Object.setPrototypeOf(headers, RecordHeaders.prototype) as RecordHeaders;
}

/** For all records without headers. */
export const NO_RECORD_HEADERS: RecordHeaders = /*#__PURE__*/ Object.freeze(/*#__PURE__*/ new RecordHeaders());
