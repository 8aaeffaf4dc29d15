import type { NativeModules } from "./contract.ts";

/** Platforms without accelerators, browsers above all. */
export const nativeModules: NativeModules = {
  crc32c: () => null,
  snappy: () => null,
  lz4: () => null,
  gzip: () => null,
  zstd: () => null,
};
