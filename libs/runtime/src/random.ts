/** Where randomness comes from. Nothing outside this library calls `Math.random` or `crypto.getRandomValues`. */
export interface Random {
  /** A uniformly distributed number in [0, 1). */
  nextFloat(): number;
  /** A uniformly distributed integer in [0, `bound`). `bound` is between 1 and 2^32. */
  nextInt(bound: number): number;
  /** Fills `target` with random bytes and returns it. */
  fill(target: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

/** The platform's cryptographic randomness for bytes (identifiers), `Math.random` for jitter. */
export const systemRandom: Random = {
  nextFloat: () => Math.random(),
  nextInt: (bound) => Math.floor(Math.random() * bound),
  fill: (target) => crypto.getRandomValues(target),
};

/** Deterministic randomness (mulberry32): the same seed gives the same sequence on every platform. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const nextUint32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    nextFloat: () => nextUint32() / 2 ** 32,
    nextInt: (bound) => Math.floor((nextUint32() / 2 ** 32) * bound),
    fill(target) {
      for (let i = 0; i < target.length; i++) target[i] = nextUint32() & 0xff;
      return target;
    },
  };
}
