/**
 * The table of docs/compatibility.md: every API of Kafka's, the versions that the broker serves, which handler serves it
 * and which tests exercise it. It is read from the sources, so it cannot claim what is not there.
 *
 *   node tools/compatibility/support-table.mjs           writes the table into the page, between its markers
 *   node tools/compatibility/support-table.mjs --print   prints it
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = join(root, "docs/compatibility.md");
const BEGIN = "<!-- support table: made by `npm run compatibility`, do not edit -->";
const END = "<!-- end of the support table -->";

/** Files below `directory`, as paths from the repository's root. */
function filesBelow(directory) {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts") && !path.includes("/node_modules/") && !path.includes("/dist/"))
    .sort();
}

const read = (path) => readFileSync(join(root, path), "utf8");
const isTest = (path) => path.endsWith(".test.ts");

/** Every API that is declared: its constant, key, name, and the versions that Kafka has of it. */
function declaredApis() {
  return filesBelow("libs/protocol/src/messages").flatMap((path) => {
    if (isTest(path)) return [];
    const text = read(path);
    const api = /export const (\w+Api) = apiMessage\(\{\s*key: (\d+),\s*name: "(\w+)"/.exec(text);
    if (api === null) return [];
    const [, constant, key, name] = api;
    const versions = new RegExp(`name: "${name}Request",[^}]*?validVersions: "([\\d-]+)"`).exec(text);
    if (versions === null) throw new Error(`${path}: the versions of ${name} cannot be found`);
    return [{ constant, key: Number(key), name, kafkaVersions: versions[1] }];
  });
}

/** Every handler: the constant of its API and the versions that it advertises. */
function handlers() {
  const found = new Map();
  for (const path of filesBelow("libs/broker/src")) {
    if (isTest(path)) continue;
    const text = read(path);
    const calls = text.matchAll(/(?<!function )\bapiHandler\(\s*(\w+Api),\s*\{([^}]*?maxVersion: \d+[^}]*?)(?:\}|=>)/g);
    for (const [, constant, options] of calls) {
      if (/advertised: false/.test(options)) continue;
      const [min, max, advertisedMin] = ["minVersion", "maxVersion", "advertisedMinVersion"].map(
        (option) => new RegExp(`\\b${option}: (\\d+)`).exec(options)?.[1],
      );
      found.set(constant, { path, versions: range(advertisedMin ?? min, max), servedVersions: range(min, max) });
    }
  }
  return found;
}

function range(min, max) {
  return min === max ? max : `${min}-${max}`;
}

/** Test files by the constants that they use. */
function testsOf(constants) {
  const tests = new Map(constants.map((constant) => [constant, []]));
  const files = [...filesBelow("libs/broker/src"), ...filesBelow("e2e/src")];
  const apisIn = (path) => read(path).match(/\b\w+Api\b/g) ?? [];
  const helpers = new Map(files.filter(isHelper).map((path) => [basename(path), apisIn(path)]));
  for (const path of files.filter(isTest)) {
    const imported = [...read(path).matchAll(/from "[^"]*\/([^/"]+)"/g)].flatMap(([, name]) => helpers.get(name) ?? []);
    for (const constant of new Set([...apisIn(path), ...imported])) tests.get(constant)?.push(path);
  }
  return tests;
}

/** What several tests send requests by: their calls are the tests' own. */
const isHelper = (path) => /(?:fixture|hand)\.ts$/.test(path) && /\/(?:test-support|harness)\//.test(path);

const link = (path) => `[${basename(path)}](../${path})`;

/** The rows of the table, in the order of Kafka's keys. */
export function supportRows() {
  const apis = declaredApis().sort((a, b) => a.key - b.key);
  const served = handlers();
  const tests = testsOf(apis.map(({ constant }) => constant));
  return apis.map(({ constant, key, name, kafkaVersions }) => {
    const handler = served.get(constant);
    return {
      key,
      name,
      kafkaVersions,
      versions: handler?.versions ?? null,
      servedVersions: handler?.servedVersions ?? null,
      handler: handler?.path ?? null,
      tests: handler === undefined ? [] : tests.get(constant),
    };
  });
}

/** The table as Markdown. */
export function supportTable() {
  const rows = supportRows();
  const served = rows.filter(({ versions }) => versions !== null);
  const absent = rows.filter(({ versions }) => versions === null);
  return [
    "| Key | API | Kafka 4.3 | Advertised here | Handler | Tests |",
    "| --: | --- | --- | --- | --- | --- |",
    ...served.map(({ key, name, kafkaVersions, versions, servedVersions, handler, tests }) => {
      const note = versions === servedVersions ? "" : ` (served: ${servedVersions})`;
      return `| ${key} | ${name} | ${kafkaVersions} | ${versions}${note} | ${link(handler)} | ${tests.map(link).join(", ")} |`;
    }),
    "",
    `Not advertised: ${absent.map(({ key, name }) => `${name} (${key})`).join(", ")}.`,
  ].join("\n");
}

/** `page` with the table as it is now. */
export function withSupportTable(page, table) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no lines "${BEGIN}" and "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}

/** The page as it is, and as it should be. */
export function compatibilityPage() {
  const current = readFileSync(PAGE, "utf8");
  return { current, expected: withSupportTable(current, supportTable()) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--print")) console.log(supportTable());
  else writeFileSync(PAGE, compatibilityPage().expected);
}
