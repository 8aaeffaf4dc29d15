#!/usr/bin/env node
// TypeScript 7 is native and takes a quarter of the time, but has no JavaScript API: dependency-cruiser, typedoc and the checks of the
// documentation have TypeScript 6 for that. The command of both is `tsc`; this one is the compiler, whichever of them npm has linked.
import { fileURLToPath, pathToFileURL } from "node:url";

const manifest = fileURLToPath(import.meta.resolve("typescript-7/package.json"));
await import(pathToFileURL(manifest.replace(/package\.json$/, "lib/tsc.js")).href);
