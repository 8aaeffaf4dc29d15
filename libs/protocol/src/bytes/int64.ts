/**
 * How Kafka's 64-bit integers become JavaScript numbers (docs/decisions/0001-offsets-as-numbers.md).
 *
 * Within ±(2^53-1) the number is exact. Beyond, reading gives the nearest double, for which
 * `Number.isSafeInteger` is false; code that stores or computes with an offset, timestamp or id
 * asserts that where the value enters. The two bounds that peers really send as "no limit" are kept
 * apart by that rule and are written back to the very bytes they came from.
 */

/** `Long.MAX_VALUE` as read from and written to the wire: a number above every offset and timestamp. */
export const INT64_MAX = /*#__PURE__*/ 2 ** 63;

/** `Long.MIN_VALUE` as read from and written to the wire. */
export const INT64_MIN = /*#__PURE__*/ -(2 ** 63);
