/**
 * docs/api/: a page a package, made of the docstrings of what its public entry exports.
 *
 *   node tools/api-reference/api-reference.mjs     writes the pages (`npm run api-reference`)
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, LogLevel, ReflectionKind, UnknownType } from "typedoc";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DIRECTORY = join(ROOT, "docs/api");

/** The packages that have a page by its name, with their directories; what others re-export first. */
const DIRECTORIES = {
  client: "libs/client",
  producer: "libs/producer",
  consumer: "libs/consumer",
  admin: "libs/admin",
  "exactly-once": "libs/exactly-once",
  testing: "libs/testing",
  broker: "libs/broker",
  ottla: "apps/cli",
};

export const PACKAGES = Object.keys(DIRECTORIES);

/** Their pages by file name, and the names of what is exported without a docstring. */
export async function apiReference() {
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    name: "API reference",
    entryPoints: Object.values(DIRECTORIES).map((directory) => join(ROOT, directory, "src/index.ts")),
    tsconfig: join(ROOT, "tools/api-reference/tsconfig.json"),
    basePath: ROOT,
    outputFileStrategy: "modules",
    readme: "none",
    disableSources: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    excludeExternals: true,
    sort: ["source-order"],
    kindSortOrder: ["Function", "Class", "Interface", "TypeAlias", "Variable"],
    sortEntryPoints: false,
    tableColumnSettings: { hideModifiers: true, hideSources: true, hideInherited: true, hideOverrides: true },
    interfacePropertiesFormat: "table",
    classPropertiesFormat: "table",
    typeDeclarationFormat: "table",
    parametersFormat: "table",
    logLevel: LogLevel.Error,
    skipErrorChecking: true, // what checks the types has done so: to do it again takes longer than the pages do
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("the sources do not compile");
  for (const module of project.children) module.name = nameOf(module.name);
  shortenTables(project);
  return { pages: await render(app, project), undocumented: undocumentedOf(project) };
}

/** `libs/client/src` is called client. */
function nameOf(path) {
  return PACKAGES.find((name) => path === `${DIRECTORIES[name]}/src`) ?? path;
}

/** The pages as they lie in docs/api, by file name. */
export function currentPages() {
  return new Map(readdirSync(DIRECTORY).map((name) => [name, readFileSync(join(DIRECTORY, name), "utf8")]));
}

async function render(app, project) {
  const directory = mkdtempSync(join(tmpdir(), "ottla-api-"));
  try {
    app.options.setValue("outputs", [{ name: "markdown", path: directory }]);
    await app.generateOutputs(project);
    return new Map(
      readdirSync(directory).map((name) => [name, tidy(name, readFileSync(join(directory, name), "utf8"))]),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const NOTE = "Made by `npm run api-reference` from the docstrings; do not edit.";

function tidy(name, page) {
  const [heading, ...rest] = withoutDeadAnchors(page).split("\n");
  const title = ["README.md", "ottla.md"].includes(name) ? heading : heading.replace("# ", "# @ottla/");
  return [title, "", NOTE, ...rest].join("\n");
}

/** The plugin numbers some headings that turn out to be the only ones of their name. */
function withoutDeadAnchors(page) {
  return page.replace(/\(#([a-z]+)-1\)/g, (link, name) => {
    const headings = page.match(new RegExp(`^#+ ${name}(\\(\\))?$`, "gim")) ?? [];
    return headings.length === 1 ? `(#${name})` : link;
  });
}

/** What needs a docstring wherever it is met. */
const MUST_HAVE_ONE =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Variable |
  ReflectionKind.Property |
  ReflectionKind.GetSignature |
  ReflectionKind.CallSignature;

function undocumentedOf(project) {
  return project
    .getReflectionsByKind(MUST_HAVE_ONE)
    .filter((reflection) => !reflection.hasComment() && !isDetail(reflection))
    .map((reflection) => reflection.getFullName())
    .sort();
}

/** What the docstring of something around it covers, or the name alone. */
function isDetail(reflection) {
  if (reflection.flags.isExternal || /^(\[.*\]|__type)$/.test(reflection.name)) return true;
  for (let { parent } = reflection; parent; parent = parent.parent) {
    if (parent.kindOf(ReflectionKind.Parameter | ReflectionKind.SomeSignature) || isLiteral(parent)) return true;
  }
  return false;
}

/** A type written where it stands, such as one of a union: what is around it says what it is. */
const isLiteral = ({ name }) => name === "__type";

/** The tables have a page of their own, docs/configuration.md. */
function shortenTables(project) {
  for (const variable of project.getReflectionsByKind(ReflectionKind.Variable)) {
    if (variable.name.endsWith("ConfigTable")) variable.type = new UnknownType("Record<string, ConfigDefinition>");
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { pages, undocumented } = await apiReference();
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [name, page] of pages) writeFileSync(join(DIRECTORY, name), page);
  if (undocumented.length > 0) console.warn(`without a docstring:\n${undocumented.join("\n")}`);
}
