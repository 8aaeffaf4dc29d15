import { readdirSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { type PackageJson, type PublishedPackage, publishedPackages, readJson, repositoryRoot } from "./repository.ts";

const TEST_FILES = /\.test\.tsx?$|\/(test-support|testkit|golden|fixtures|simulation)\//;

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function sourceFiles({ directory }: PublishedPackage): SourceFile[] {
  return readdirSync(join(directory, "src"), { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, "src", name))
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

/** `@ottla/runtime` for `@ottla/runtime/node`; nothing for relative and virtual modules, imports maps and Node.js. */
function packageOf(specifier: string): string[] {
  if (/^[.#]|:/.test(specifier) || isBuiltin(specifier)) return [];
  return [
    specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/"),
  ];
}

function importedBy(files: readonly SourceFile[]): Set<string> {
  const specifiers = files.flatMap(({ text }) => ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName));
  return new Set(specifiers.flatMap(packageOf));
}

function missing(wanted: Iterable<string>, there: Iterable<string>): string[] {
  const set = new Set(there);
  return [...wanted].filter((name) => !set.has(name)).sort();
}

/** Optional accelerators of another dependency: ws takes bufferutil if it is there. */
function optionalPeers(packageJson: PackageJson, directory: string): string[] {
  const require = createRequire(join(directory, "package.json"));
  return Object.keys(packageJson.dependencies ?? {}).flatMap((name) => {
    const path = require.resolve.paths(name)?.map((base) => join(base, name, "package.json"));
    const found = path?.find((candidate) => ts.sys.fileExists(candidate));
    return found === undefined ? [] : Object.keys(readJson<PackageJson>(found).peerDependencies ?? {});
  });
}

const rootPackage = readJson<PackageJson>(join(repositoryRoot, "package.json"));
/** It is bundled into the command, so what its bundle looks for at run time must be declared by it. */
const isCommand = ({ packageJson }: PublishedPackage) => packageJson.name === "ottla";

describe.each(publishedPackages().map((published) => [published.packageJson.name, published] as const))(
  "%s",
  (name, published) => {
    const { packageJson, directory } = published;
    const { dependencies = {}, optionalDependencies = {}, devDependencies = {} } = packageJson;
    const files = sourceFiles(published);
    const imported = importedBy(files.filter(({ path }) => !TEST_FILES.test(path)));
    const bundled = isCommand(published) || name === "@ottla/console";
    const declared = [...Object.keys(dependencies), ...Object.keys(optionalDependencies), name];

    test("declares what it imports", () => {
      const there = bundled ? [...declared, ...Object.keys(devDependencies)] : declared;
      expect(missing(imported, there)).toEqual([]);
    });

    test("declares what its tests import", () => {
      const there = [...declared, ...Object.keys(devDependencies), ...Object.keys(rootPackage.devDependencies ?? {})];
      expect(missing(importedBy(files), there)).toEqual([]);
    });

    test("needs what it declares", () => {
      const foundAtRunTime = isCommand(published)
        ? [...Object.keys(optionalDependencies), "@ottla/console"] // by the libraries in its bundle
        : optionalPeers(packageJson, directory);
      const mentioned = declared.filter((dependency) =>
        files.some(({ path, text }) => !TEST_FILES.test(path) && new RegExp(`"${dependency}["/]`).test(text)),
      );
      expect(missing(declared, [...mentioned, ...foundAtRunTime, name])).toEqual([]);
    });

    test("pins versions", () => {
      const ranges = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies });
      expect(ranges.filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
    });
  },
);

test("the command may use the same accelerators as the libraries in its bundle", () => {
  const packages = publishedPackages();
  const command = packages.find(isCommand)!.packageJson;
  const libraries = Object.assign(
    {},
    ...packages.filter((p) => !isCommand(p)).map((p) => p.packageJson.optionalDependencies),
  );
  expect(command.optionalDependencies).toEqual(libraries);
});

test("all packages have the repository's version", () => {
  const versions = publishedPackages().map(({ packageJson }) => [packageJson.name, packageJson.version]);
  expect(versions.filter(([, version]) => version !== rootPackage.version)).toEqual([]);
});
