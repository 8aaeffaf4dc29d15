import type { ErrorName } from "../error-code.ts";

let prose: Readonly<Record<ErrorName, string>> | undefined;
let isLoading = false;

/** What the error means; no more than its name says, until the sentences are loaded. */
export function proseOf(name: ErrorName): string {
  if (prose === undefined) expectErrors();
  return prose?.[name] ?? sentenceOf(name);
}

/**
 * Errors may come: loads what they mean. A page does not wait for that; it takes as long as a connection to a broker,
 * before which no broker sends errors. If it fails, the next error tries again.
 */
export function expectErrors(): void {
  if (isLoading) return;
  isLoading = true;
  import("../error-prose.ts").then(
    ({ errorProse }) => {
      prose = errorProse;
    },
    () => {
      isLoading = false;
    },
  );
}

function sentenceOf(name: ErrorName): string {
  const words = name.toLowerCase().replaceAll("_", " ");
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}
