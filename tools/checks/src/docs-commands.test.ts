import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { codeBlocks, PAGES, read } from "./pages.ts";
import { repositoryRoot } from "./repository.ts";

// By its address: the sources of the command are type-checked where they are.
const { createProgram }: { createProgram: () => Command } = await import(
  join(repositoryRoot, "apps/cli/src/program.ts")
);

/** The words of a line as a shell splits it, command by command: what is quoted is one word, a comment is none. */
function commandsIn(line: string): string[][] {
  const commands: string[][] = [[]];
  const token = /\s*(?:(#.*)|(\|\||&&|[|;()<>&]+)|((?:"[^"]*"|'[^']*'|[^\s"'|;()<>&])+))/gy;
  for (const [, comment, operator, word] of line.matchAll(token)) {
    if (comment !== undefined) break;
    if (operator !== undefined) commands.push([]);
    else commands.at(-1)!.push(word!.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
  }
  return commands.map((words) => words.slice(words[0] === "npx" ? 1 : 0)).filter(([first]) => first !== undefined);
}

const LINES = codeBlocks("sh").flatMap(({ name, code }) =>
  code
    .replaceAll("\\\n", " ")
    .split("\n")
    .flatMap(commandsIn)
    .map((words) => ({ name: `${name}: ${words.join(" ")}`, words })),
);

/** All commands, which do nothing, and say nothing. */
function quietProgram(): Command {
  const program = createProgram();
  const quiet = (command: Command) => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const each of command.commands) quiet(each);
  };
  quiet(program);
  return program;
}

describe("what pages tell to type", () => {
  const ofOttla = LINES.filter(({ words }) => words[0] === "ottla");
  it("is there", () => expect(ofOttla.length).toBeGreaterThan(30));

  it.each(ofOttla)("$name is what the command takes", async ({ words }) => {
    await expect(quietProgram().parseAsync(words.slice(1), { from: "user" })).resolves.toBeDefined();
  });

  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8"));
  it.each(LINES.filter(({ words: [first, second] }) => first === "npm" && second === "run"))(
    "$name is a script",
    ({ words }) => expect(Object.keys(scripts)).toContain(words.slice(2).find((word) => !word.startsWith("-"))),
  );
});

/** Commands in the middle of a sentence: what is behind the command may be left out, or be said in general. */
const MENTIONS = PAGES.filter((page) => !page.startsWith("docs/decisions/") && !page.startsWith("docs/api/")).flatMap(
  (page) =>
    [...read(page).matchAll(/`(?:npx )?ottla ([a-z][^`\n]*)`/g)].map(([mention, text]) => ({
      name: `${page}: ${mention}`,
      words: commandsIn(text!)[0]!,
    })),
);

describe("commands that pages mention", () => {
  it("are there", () => expect(MENTIONS.length).toBeGreaterThan(30));

  it.each(MENTIONS)("$name", ({ words }) => {
    let command: Command = createProgram();
    for (const word of words) {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) break;
      command = next;
    }
    expect(command.parent, "there is no such command").not.toBeNull();
    const flags = words.filter((word) => word.startsWith("--")).map((word) => word.split("=")[0]);
    expect(command.options.map(({ long }) => long).concat("--help")).toEqual(expect.arrayContaining(flags));
  });
});
