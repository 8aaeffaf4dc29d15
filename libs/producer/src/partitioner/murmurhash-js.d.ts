declare module "murmurhash-js" {
  /** Looks at the low byte of each character. @returns an unsigned 32-bit hash */
  export function murmur2(bytes: string, seed: number): number;
}
