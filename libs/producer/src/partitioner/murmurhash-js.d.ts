declare module "murmurhash-js/murmurhash2_gc.js" {
  /** Looks at the low byte of each character. @returns an unsigned 32-bit hash */
  export default function murmur2(bytes: string, seed: number): number;
}
