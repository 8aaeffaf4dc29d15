import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type PackageJson, readJson } from "../repository.ts";

/** A package that is installed in a project's `node_modules`. */
export interface InstalledPackage {
  readonly name: string;
  readonly sizeBytes: number;
  /** The scripts that npm would run when it installs it. */
  readonly installScripts: readonly string[];
}

type Manifest = PackageJson & { readonly scripts?: Readonly<Record<string, string>> };

/** What `npm install` of these packages brings, themselves included: what all depend on, and what is there of the optional. */
export function dependencyTree(
  projectDirectory: string,
  names: readonly string[],
  options: { readonly withOptional: boolean },
): InstalledPackage[] {
  const modules = join(projectDirectory, "node_modules");
  const found = new Map<string, InstalledPackage>();
  const visit = (name: string, from: string) => {
    const directory = [join(from, "node_modules", name), join(modules, name)].find(existsSync);
    if (directory === undefined || found.has(directory)) return;
    const manifest = readJson<Manifest>(join(directory, "package.json"));
    const installScripts = ["preinstall", "install", "postinstall"].filter((script) => manifest.scripts?.[script]);
    found.set(directory, { name, sizeBytes: sizeOf(directory), installScripts });
    const optional = Object.keys(manifest.optionalDependencies ?? {});
    const required = Object.keys(manifest.dependencies ?? {}).filter((each) => !optional.includes(each));
    for (const each of options.withOptional ? [...required, ...optional] : required) visit(each, directory);
  };
  for (const name of names) visit(name, projectDirectory);
  return [...found.values()];
}

/** Without packages nested in it: those count for themselves. */
function sizeOf(directory: string): number {
  const entries = readdirSync(directory, { withFileTypes: true }).filter(({ name }) => name !== "node_modules");
  return entries.reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : lstatSync(path).size);
  }, 0);
}
