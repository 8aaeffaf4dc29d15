import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeBlocks } from "./pages.ts";
import { repositoryRoot } from "./repository.ts";

/**
 * ```ts sketch shows what code looks like inside, and leaves out what it is about; so do the examples of docstrings, of which
 * the API reference is made.
 */
const BLOCKS = codeBlocks("ts").filter(({ info, name }) => info !== "sketch" && !name.startsWith("docs/api/"));

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: ["node"],
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
};

describe("blocks of TypeScript, whether they run or not", () => {
  let directory: string;
  let program: ts.Program;
  const fileOf = (index: number) => join(directory, `block-${index}.ts`);

  beforeAll(() => {
    // Inside the repository, where its packages are found as an installed program finds them.
    directory = mkdtempSync(join(repositoryRoot, "tools/checks/.docs-"));
    mkdirSync(directory, { recursive: true });
    for (const [index, { context, code }] of BLOCKS.entries()) writeFileSync(fileOf(index), `${context}\n${code}`);
    program = ts.createProgram(
      BLOCKS.map((_, index) => fileOf(index)),
      OPTIONS,
    );
  }, 120_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("are there", () => expect(BLOCKS.length).toBeGreaterThanOrEqual(20));

  it.each(BLOCKS.map(({ name }, index) => ({ name, index })))(
    "$name has types that fit",
    ({ index }) => {
      const source = program.getSourceFile(fileOf(index))!;
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      const errors = found.map(({ messageText, start = 0 }) => {
        const { line } = source.getLineAndCharacterOfPosition(start);
        return `${basename(source.fileName)}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      });
      expect(errors).toEqual([]);
    },
    60_000,
  );
});
