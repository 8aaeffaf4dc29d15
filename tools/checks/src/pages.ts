import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./repository.ts";

/** Every page of the repository, as paths from its root. */
export const PAGES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: repositoryRoot,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(repositoryRoot, path)));

/** The text of a page. */
export const read = (page: string) => readFileSync(join(repositoryRoot, page), "utf8");

/** A block of code in a page. */
export interface CodeBlock {
  /** The page, and which of its blocks of this kind it is. */
  readonly name: string;
  /** What stands behind the language: `run`. */
  readonly info: string;
  readonly code: string;
  /** What the block takes for granted, in a comment before it that is not shown: `<!-- with: … -->`. */
  readonly context: string;
}

/** The blocks of all pages whose language is this. */
export function codeBlocks(language: string): CodeBlock[] {
  const block = new RegExp(
    `(?:<!-- with:([\\s\\S]*?)-->\\s*)?^\`\`\`${language}(?: (\\w+))?\\n([\\s\\S]*?)^\`\`\``,
    "gm",
  );
  return PAGES.flatMap((page) =>
    [...read(page).matchAll(block)].map(([, context = "", info = "", code = ""], index) => ({
      ...{ name: `${page} ${index + 1}`, info, code, context },
    })),
  );
}
