import type { ErrorName } from "../error-code.ts";
import { errorProse } from "../error-prose.ts";

/** What the error means. */
export function proseOf(name: ErrorName): string {
  return errorProse[name];
}

/** Errors may come: nothing has to be got ready for them here. */
export function expectErrors(): void {}
