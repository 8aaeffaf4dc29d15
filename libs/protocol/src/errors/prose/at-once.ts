import type { ErrorName } from "../error-code.ts";
import { clientErrors } from "./client-errors.ts";
import { otherErrors } from "./other-errors.ts";

const meanings: Readonly<Record<ErrorName, string>> = { ...clientErrors, ...otherErrors };

/** What the error means. */
export function proseOf(name: ErrorName): string {
  return meanings[name];
}

/** Errors may come: nothing has to be got ready for them here. */
export function expectErrors(): void {}
