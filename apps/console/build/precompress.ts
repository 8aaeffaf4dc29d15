import { constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Smaller files fit into a packet as they are. */
const BYTES_MIN = 1_024;

const TEXT = /\.(js|css|html|svg)$/;

/** Puts a `.gz` beside every text of the page: the broker sends that, and compresses nothing while it runs. */
export function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [fileName, output] of Object.entries(bundle)) {
          const bytes = Buffer.from(output.type === "chunk" ? output.code : output.source);
          if (!TEXT.test(fileName) || bytes.length < BYTES_MIN) continue;
          const source = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
          this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source });
        }
      },
    },
  };
}
