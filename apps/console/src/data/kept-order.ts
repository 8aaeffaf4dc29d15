/**
 * Rows in the places where somebody has seen them: those that were there stay in their order, whatever has become of them,
 * and what is new comes after them, in an order of its own.
 * @param options `before`: the keys of the rows that were there, in their order
 */
export function inKeptOrder<Row>(
  rows: readonly Row[],
  options: {
    readonly before: readonly string[];
    readonly keyOf: (row: Row) => string;
    readonly compare: (a: Row, b: Row) => number;
  },
): Row[] {
  const { before, keyOf, compare } = options;
  const places = new Map(before.map((key, place) => [key, place]));
  const placeOf = (row: Row) => places.get(keyOf(row)) ?? before.length;
  return [...rows].sort((a, b) => placeOf(a) - placeOf(b) || compare(a, b));
}
