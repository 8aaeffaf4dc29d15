/** The least table of a Java HashMap that was not told how much it is to hold. */
export const DEFAULT_CAPACITY = 16;

/**
 * Items in the order in which a Java HashMap goes over them. Apache Kafka answers many a list in that order, and clients and
 * their tests have come to count on it. It is settled by the hashes and by how large the table is; of what shares a place in the
 * table the first in comes first.
 * @param capacity what the map was made to hold; it grows by itself
 */
export function javaHashOrder<Item>(
  items: readonly Item[],
  hashOf: (item: Item) => number,
  capacity = DEFAULT_CAPACITY,
): Item[] {
  const mask = tableSize(items.length, capacity) - 1;
  const placed = items.map((item) => ({ item, place: spread(hashOf(item)) & mask }));
  return placed.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** `String.hashCode` of Java. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  return hash;
}

function tableSize(itemsCount: number, capacity: number): number {
  let size = 1;
  while (size < capacity || itemsCount > Math.floor(size * 0.75)) size *= 2;
  return size;
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16);
}
