// The rules of layers.json, in the words of dependency-cruiser. Paths are relative to where it is started.
import { readFileSync } from "node:fs";

const layers = JSON.parse(readFileSync(new URL("./layers.json", import.meta.url), "utf8"));
const tests = layers.tests.paths;
const nodeEntries = layers.nodeEntries.paths;

/** "protocol" is a lib, "apps/console" an app. */
const folderOf = (name) => (name.startsWith("apps/") ? name : `libs/${name}`);
const inFolders = (folders) => folders.map((folder) => `^${folder}/`);

function importRules(kind, entries) {
  return Object.entries(entries).map(([name, { imports }]) => ({
    name: `imports-of-${kind}-${name}`,
    comment: `${kind}/${name} may import ${imports.join(", ") || "no sibling"} (tools/layers/layers.json).`,
    severity: "error",
    from: { path: `^${kind}/${name}/`, pathNot: tests },
    to: { path: "^(libs|apps)/", pathNot: inFolders([`${kind}/${name}`, ...imports.map(folderOf)]) },
  }));
}

/** A test may import what its lib may, and `testing`. */
function testImportRules(kind, entries) {
  return Object.entries(entries).map(([name, { imports }]) => ({
    name: `imports-of-tests-${kind}-${name}`,
    comment: `Tests of ${kind}/${name} may import ${[...imports, "testing"].join(", ")} (tools/layers/layers.json).`,
    severity: "error",
    from: { path: `^${kind}/${name}/.*(${tests.join("|")})` },
    to: { path: "^(libs|apps)/", pathNot: inFolders([`${kind}/${name}`, "libs/testing", ...imports.map(folderOf)]) },
  }));
}

function packageRules() {
  return Object.entries(layers.packages).map(([name, allowed]) => ({
    name: `package-${name}`,
    comment: `${name} is imported by ${allowed.join(", ")} alone (tools/layers/layers.json).`,
    severity: "error",
    from: { path: "^(libs|apps)/", pathNot: [...tests, ...allowed.map((path) => `^${path}`)] },
    to: { path: `(^|/)node_modules/${name}/` },
  }));
}

const neutralLibs = Object.entries(layers.libs)
  .filter(([, { nodeOnly }]) => !nodeOnly)
  .map(([name]) => name);
const fromNeutral = { path: `^libs/(${neutralLibs.join("|")})/src/`, pathNot: [...tests, ...nodeEntries] };

const doors = ["^libs/[^/]+/src/(index|internal|node)\\.ts$", "^libs/protocol/src/client\\.ts$"];

const generalRules = [
  {
    name: "runtime-neutral",
    comment: "Runtime-neutral code imports nothing of Node.js outside the entries named in tools/layers/layers.json.",
    severity: "error",
    from: fromNeutral,
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "node-entries",
    comment: "Runtime-neutral code reaches Node.js code through the conditions of an imports map only.",
    severity: "error",
    from: fromNeutral,
    to: { path: nodeEntries },
  },
  {
    name: "doors",
    comment:
      "A lib is entered by its doors: src/index.ts, src/internal.ts, src/node.ts (and src/client.ts of protocol).",
    severity: "error",
    from: { path: "^(libs|apps)/([^/]+)/", pathNot: tests },
    to: { path: "^libs/[^/]+/src/", pathNot: ["^$1/$2/", ...doors] },
  },
  {
    name: "doors-for-tests",
    comment: "Tests enter a lib by its doors, and by src/test-support/index.ts.",
    severity: "error",
    from: { path: `^(libs|apps)/([^/]+)/.*(?:${tests.join("|")})` },
    to: { path: "^libs/[^/]+/src/", pathNot: ["^$1/$2/", ...doors, "^libs/[^/]+/src/test-support/index\\.ts$"] },
  },
  {
    name: "no-cycles",
    comment: "Modules do not import each other in a circle; types may.",
    severity: "error",
    from: { path: "^(libs|apps)/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "resolvable",
    comment: "What cannot be found cannot be checked; bundlers make what begins with virtual: themselves.",
    severity: "error",
    from: { path: "^(libs|apps)/" },
    to: { couldNotResolve: true, pathNot: "^virtual:" },
  },
];

export default {
  forbidden: [
    ...importRules("libs", layers.libs),
    ...importRules("apps", layers.apps),
    ...testImportRules("libs", layers.libs),
    ...testImportRules("apps", layers.apps),
    ...packageRules(),
    ...generalRules,
  ],
  options: {
    exclude: { path: ["/dist/", "/fixtures/"] },
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@ottla/source", "types", "import", "default"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  },
};
