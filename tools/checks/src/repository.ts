import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));

interface Layers {
  readonly libs: Readonly<Record<string, { readonly imports: readonly string[]; readonly nodeOnly?: boolean }>>;
}

/** Libs that run in browsers too. */
export function neutralLibs(): string[] {
  const layers: Layers = readJson(join(repositoryRoot, "tools/layers/layers.json"));
  return Object.entries(layers.libs)
    .filter(([, lib]) => !lib.nodeOnly)
    .map(([name]) => name);
}

type Versions = Readonly<Record<string, string>>;

/** What the checks read of a package.json. */
export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly optionalDependencies?: Versions;
}

/** A package of this repository that is published. */
export interface PublishedPackage {
  /** Relative to the repository: `libs/storage`. */
  readonly folder: string;
  readonly directory: string;
  readonly packageJson: PackageJson;
}

/** Every package that is published: the libs and apps that are not private. */
export function publishedPackages(): PublishedPackage[] {
  return ["libs", "apps"]
    .flatMap((group) => readdirSync(join(repositoryRoot, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(join(repositoryRoot, folder, "package.json")))
    .map((folder) => {
      const directory = join(repositoryRoot, folder);
      return { folder, directory, packageJson: readJson<PackageJson>(join(directory, "package.json")) };
    })
    .filter(({ packageJson }) => !packageJson.private);
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
