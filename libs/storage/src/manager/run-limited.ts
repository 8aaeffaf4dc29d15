/** Runs `action` on every item, at most `limit` at a time. Stops at the first failure and rejects with it. */
export async function runLimited<T>(
  items: readonly T[],
  limit: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = items.values();
  const worker = async () => {
    for (const item of remaining) await action(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
