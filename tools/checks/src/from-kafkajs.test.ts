import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { repositoryRoot } from "./repository.ts";

const TYPES = join(repositoryRoot, "node_modules/kafkajs/types/index.d.ts");
const source = ts.createSourceFile(TYPES, readFileSync(TYPES, "utf8"), ts.ScriptTarget.Latest);
/** What stands between backticks. */
const code = [...readFileSync(join(repositoryRoot, "docs/from-kafkajs.md"), "utf8").matchAll(/`([^`]+)`/g)]
  .map(([, text]) => text)
  .join("\n");

/** Names of what a type has, those of types that it is put together of too. */
function membersOf(name: string): string[] {
  const declared = source.statements.find(
    (statement): statement is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(statement) && statement.name.text === name,
  );
  if (declared === undefined) throw new Error(`kafkajs has no type ${name}`);
  return [...new Set(namesIn(declared.type))];
}

function namesIn(type: ts.TypeNode): string[] {
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(namesIn);
  if (ts.isTypeReferenceNode(type)) return membersOf(type.typeName.getText(source));
  if (!ts.isTypeLiteralNode(type)) return [];
  return type.members.flatMap(({ name }) => (name === undefined ? [] : [name.getText(source)]));
}

it.each([
  ["Producer", 8],
  ["Transaction", 6],
  ["Consumer", 14],
  ["Admin", 27],
  ["ProducerEvents", 5],
  ["ConsumerEvents", 16],
  ["AdminEvents", 5],
])("docs/from-kafkajs.md says what becomes of all that %s has", (name, atLeast) => {
  const members = membersOf(name);
  expect(members.length).toBeGreaterThanOrEqual(atLeast);
  expect(members.filter((member) => !new RegExp(`\\b${member}\\b`).test(code))).toEqual([]);
});
