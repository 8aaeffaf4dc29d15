import { createRequire } from "node:module";

/** By its name, since this module may be anywhere in the package once it is bundled. */
const packageJson = createRequire(import.meta.url)("ottla/package.json") as { version: string };

export const packageVersion: string = packageJson.version;
