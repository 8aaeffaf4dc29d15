/** Takes the world's steps, of so many ms each, until `promise` settles. @throws Error after a minute of its time */
export async function settled<T>(step: () => Promise<void>, stepMs: number, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const watched = promise.finally(() => {
    isSettled = true;
  });
  watched.catch(() => {});
  for (let waitedMs = 0; !isSettled; waitedMs += stepMs) {
    if (waitedMs > 60_000) throw new Error("the world did not get ready within a minute");
    await step();
  }
  return await watched;
}
