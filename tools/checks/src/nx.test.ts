import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./packages/run.ts";
import { type PackageJson, readJson, repositoryRoot } from "./repository.ts";

const projectFolders = (...groups: readonly string[]) =>
  groups.flatMap((group) => readdirSync(join(repositoryRoot, group)).map((name) => `./${group}/${name}`));

/** The projects that nx builds and tests again when `file` has changed. */
async function affectedBy(file: string): Promise<string[]> {
  const nx = join(repositoryRoot, "node_modules/nx/dist/bin/nx.js");
  const args = [nx, "show", "projects", "--affected", `--files=${file}`, "--json"];
  const { exitCode, stdout, stderr } = await run(process.execPath, args, repositoryRoot, { NX_DAEMON: "false" });
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test("a change in the storage retests what is built on it, and not the producer", async () => {
  const affected = await affectedBy("libs/storage/src/index.ts");
  expect(affected).toEqual(
    expect.arrayContaining(["@ottla/storage", "@ottla/metadata", "@ottla/broker", "@ottla/broker-app", "ottla"]),
  );
  const apart = ["producer", "consumer", "admin", "client", "transport", "coordinator", "protocol", "console"];
  expect(affected.filter((name) => apart.includes(name.replace("@ottla/", "")))).toEqual([]);
});

test("a change in the protocol retests everything but the runtime", async () => {
  const affected = await affectedBy("libs/protocol/src/index.ts");
  expect(affected).not.toContain("@ottla/runtime");
  const libs = ["transport", "client", "producer", "consumer", "admin", "storage", "coordinator", "metadata", "broker"];
  const rest = ["testing", "broker-app", "console", "checks", "e2e"];
  expect(affected).toEqual(expect.arrayContaining([...libs, ...rest].map((name) => `@ottla/${name}`)));
});

test("the compiler checks every project", () => {
  const { references } = readJson<{ readonly references: { path: string }[] }>(join(repositoryRoot, "tsconfig.json"));
  const typed = [...projectFolders("libs", "apps", "tools"), "./e2e"].filter((project) =>
    existsSync(join(repositoryRoot, project, "tsconfig.json")),
  );
  expect(references.map(({ path }) => path).sort()).toEqual(typed.sort());
});

test("nx runs what the scripts say, by itself: by npm each would take two seconds more", () => {
  type Manifest = PackageJson & {
    readonly scripts?: Readonly<Record<string, string>>;
    readonly nx?: { readonly targets?: Readonly<Record<string, { readonly command?: string }>> };
  };
  for (const project of [...projectFolders("libs", "apps", "tools"), "./e2e"]) {
    const file = join(repositoryRoot, project, "package.json");
    if (!existsSync(file)) continue;
    const { scripts = {}, nx } = readJson<Manifest>(file);
    for (const name of ["build", "test", "e2e"].filter((each) => each in scripts)) {
      expect(nx?.targets?.[name]?.command, `${name} of ${project}`).toBe(scripts[name]);
    }
  }
});
