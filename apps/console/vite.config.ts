import { defineConfig } from "vite";
import { coastline } from "./build/coastline.ts";
import { firstPaint } from "./build/first-paint.ts";
import { precompress } from "./build/precompress.ts";

/** The broker serves `dist/page`; file names under `assets/` carry hashes and are cached for good. */
export default defineConfig({
  // A reverse proxy may put the page below a path of its own.
  base: "./",
  plugins: [coastline(), firstPaint(), precompress()],
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
  },
  server: { proxy: { "/kafka": { target: "ws://localhost:9092", ws: true } } },
});
