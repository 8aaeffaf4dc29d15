/** Counts the bytes that this process copies from one buffer to another, by whatever copies bytes in JavaScript. */
export class CopiedBytes {
  #count = 0;
  readonly #restore: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  start(): void {
    const typed = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
    this.#patch(typed, "set", (_, [source]) => (source as Uint8Array).length);
    this.#patch(typed, "slice", (copy) => (copy as Uint8Array).byteLength);
    this.#patch(typed, "copyWithin", (copy) => (copy as Uint8Array).byteLength);
    this.#patch(ArrayBuffer.prototype, "slice", (copy) => (copy as ArrayBuffer).byteLength);
    this.#patch(Buffer.prototype, "copy", (count) => count as number);
    this.#patch(Buffer, "concat", (joined) => (joined as Buffer).length);
    this.#patch(Buffer, "copyBytesFrom", (copy) => (copy as Buffer).length);
  }

  stop(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  #patch(owner: object, name: string, bytesOf: (result: unknown, args: unknown[]) => number): void {
    const methods = owner as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[name]!;
    const count = (bytes: number) => {
      this.#count += bytes;
    };
    let depth = 0;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      depth++;
      try {
        const result = original.apply(this, args);
        if (depth === 1) count(bytesOf(result, args));
        return result;
      } finally {
        depth--;
      }
    };
    this.#restore.push(() => {
      methods[name] = original;
    });
  }
}
