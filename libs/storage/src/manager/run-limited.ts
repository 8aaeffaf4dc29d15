/**
 * Runs `action` on every item, at most `limit` at a time. After a failure nothing new is begun; it rejects with the
 * first one, once all that was begun has ended.
 */
export async function runLimited<T extends object>(
  items: readonly T[],
  limit: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = [...items].reverse();
  const errors: unknown[] = [];
  const worker = async () => {
    for (let item = remaining.pop(); item !== undefined && errors.length === 0; item = remaining.pop()) {
      await action(item).catch((error) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw errors[0];
}
