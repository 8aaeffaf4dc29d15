/** Starts `load` at the first call; gives its result at once when it is there. A failure is tried again. */
export function loadOnce<T>(load: () => Promise<T>): () => T | Promise<T> {
  let state: T | Promise<T> | undefined;
  return () => {
    state ??= load().then(
      (loaded) => {
        state = loaded;
        return loaded;
      },
      (error) => {
        state = undefined;
        throw error;
      },
    );
    return state;
  };
}

/** Uses `value` at once, or when it is there. */
export function after<T, U>(value: T | Promise<T>, use: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}
