/** The items in their order, those with the same key once. */
export function distinctBy<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): readonly Item[] {
  const seen = new Set<unknown>();
  return items.filter((item) => {
    const key = keyOf(item);
    return !seen.has(key) && seen.add(key);
  });
}

/** The items that occur more than once. Requests name thousands of them. */
export function duplicatesOf<Item>(items: Iterable<Item>): ReadonlySet<Item> {
  const seen = new Set<Item>();
  const duplicates = new Set<Item>();
  for (const item of items) (seen.has(item) ? duplicates : seen).add(item);
  return duplicates;
}
