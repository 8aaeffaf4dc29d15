import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishedPackages, repositoryRoot } from "../repository.ts";
import { run } from "./run.ts";

/** A package as it would be published. */
export interface Tarball {
  readonly name: string;
  readonly path: string;
  /** Paths in the package. */
  readonly files: readonly string[];
}

/** A user's project, outside of the repository, that has all packages installed from their tarballs. */
export interface ScratchProject {
  readonly directory: string;
  readonly tarballs: readonly Tarball[];
  /** Why there is nothing installed: no registry to get the packages' dependencies from. */
  readonly unavailable: string | null;
  remove(): Promise<void>;
}

/** What npm says when there is no registry to be reached. */
export const NO_REGISTRY = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|E50\d)\b/;

/** Packs everything that is built, and installs it in a new folder with the programs of `fixtures/packages` in it. */
export async function createScratchProject(): Promise<ScratchProject> {
  const parent = await mkdtemp(join(tmpdir(), "ottla-packages-"));
  const remove = () => rm(parent, { recursive: true, force: true });
  try {
    const tarballs = await packAll(join(parent, "tarballs"));
    const directory = join(parent, "project");
    await cp(join(repositoryRoot, "tools/checks/fixtures/packages"), directory, { recursive: true });
    const unavailable = await install(directory, tarballs);
    return { directory, tarballs, unavailable, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function packAll(destination: string): Promise<Tarball[]> {
  await mkdir(destination);
  const workspaces = publishedPackages().flatMap(({ folder }) => ["--workspace", folder]);
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", destination, ...workspaces];
  const { exitCode, stdout, stderr } = await run("npm", args, repositoryRoot);
  if (exitCode !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  const packed: { name: string; filename: string; files: { path: string }[] }[] = Object.values(JSON.parse(stdout));
  return packed.map(({ name, filename, files }) => {
    return { name, path: join(destination, filename), files: files.map(({ path }) => path) };
  });
}

async function install(directory: string, tarballs: readonly Tarball[]): Promise<string | null> {
  const dependencies = Object.fromEntries(tarballs.map(({ name, path }) => [name, `file:${path}`]));
  const packageJson = { name: "scratch", private: true, type: "module", dependencies };
  await writeFile(join(directory, "package.json"), JSON.stringify(packageJson, null, 2));
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
  const { exitCode, stderr } = await run("npm", ["install", ...options], directory);
  if (exitCode === 0) return null;
  const reason = NO_REGISTRY.exec(stderr)?.[0];
  if (reason === undefined) throw new Error(`npm install failed:\n${stderr}`);
  return `no npm registry can be reached (${reason})`;
}
