import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";

const SOURCE = "@ottla/source";
const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** What `exports` or `imports` of a package lead to, by condition. */
type Target = string | { readonly [condition: string]: Target };

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, Target>>;
  readonly imports?: Readonly<Record<string, Target>>;
}

/**
 * For tests that take siblings as they are built: what a project calls its own is its source all the same (its name, and
 * what begins with `#`), and so are what a sibling has for tests alone, which is not built, and the siblings of these names.
 */
export function sourcesOfItsOwn(others: readonly string[] = []): Plugin {
  let root = "";
  return {
    name: "ottla:sources-of-its-own",
    enforce: "pre",
    configResolved(config) {
      root = config.root;
    },
    resolveId(id) {
      if (!/^(#|@ottla\/|ottla($|\/))/.test(id)) return undefined;
      const own = manifestOf(root);
      if (id.startsWith("#")) return sourceOf(own.imports?.[id], root);
      const [, name = "", path = ""] = /^((?:@ottla\/)?[^/]+)(.*)$/.exec(id)!;
      const isOwn = name === own.name;
      const directory = isOwn ? root : join(REPOSITORY, "node_modules", name);
      const target = manifestOf(directory).exports?.[`.${path}`];
      return isOwn || isForTests(target) || others.includes(name) ? sourceOf(target, directory) : undefined;
    },
  };
}

const isForTests = (target: Target | undefined) => typeof target === "object" && Object.keys(target).join() === SOURCE;

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
}

/** The file of the source, as Node.js would find it. */
function sourceOf(target: Target | undefined, directory: string): string | undefined {
  if (typeof target === "string") return realpathSync(join(directory, target));
  const next = target?.[SOURCE] ?? target?.node ?? target?.default;
  return next === undefined ? undefined : sourceOf(next, directory);
}
