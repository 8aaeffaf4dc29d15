import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../../../fetch/external-programs.mjs";

const MAJORS = ["20", "22", "24"];

/** A Node.js that is installed. */
export interface NodeVersion {
  readonly version: string;
  readonly path: string;
}

/** Those where `tools/test/node-versions.mjs` puts them, and the one that runs this where it is none of them. */
export function installedNodes(): NodeVersion[] {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const binary = `node_modules/node-${platform}-${process.arch}/bin/node`;
  const fetched = MAJORS.map((major) => join(cacheDirectory, `node-${major}`, binary)).filter(existsSync);
  const found = fetched.map((path) => ({
    path,
    version: execFileSync(path, ["--version"], { encoding: "utf8" }).trim(),
  }));
  const hasOwn = found.some(({ version }) => version.split(".")[0] === process.version.split(".")[0]);
  return hasOwn ? found : [{ path: process.execPath, version: process.version }, ...found];
}
