/** The items that occur more than once. Requests name thousands of them. */
export function duplicatesOf<Item>(items: Iterable<Item>): ReadonlySet<Item> {
  const seen = new Set<Item>();
  const duplicates = new Set<Item>();
  for (const item of items) (seen.has(item) ? duplicates : seen).add(item);
  return duplicates;
}
