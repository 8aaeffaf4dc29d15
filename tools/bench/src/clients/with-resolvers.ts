// @platformatic/kafka calls Promise.withResolvers, which Node.js has from 22 on. Import this before it.
const platform = Promise as unknown as { withResolvers?: () => unknown };
platform.withResolvers ??= () => {
  let resolve: ((value: unknown) => void) | undefined;
  let reject: ((reason: unknown) => void) | undefined;
  const promise = new Promise((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

export {};
