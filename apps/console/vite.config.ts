import { defineConfig } from "vite";
import { coastline } from "./build/coastline.ts";
import { firstPaint } from "./build/first-paint.ts";
import { firstScript } from "./build/first-script.ts";
import { precompress } from "./build/precompress.ts";

const first = firstScript(/\/console\/src\/main\.tsx$/);

/** The broker serves `dist/page`; file names under `assets/` carry hashes and are cached for good. */
export default defineConfig({
  // A reverse proxy may put the page below a path of its own.
  base: "./",
  plugins: [coastline(), first.plugin, firstPaint(), precompress()],
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "first", test: first.has }] } } },
  },
  server: { proxy: { "/kafka": { target: "ws://localhost:9092", ws: true } } },
});
