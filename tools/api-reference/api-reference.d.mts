/** The packages that have a page. */
export const PACKAGES: readonly string[];

/** Their pages by file name, and the names of what is exported without a docstring. */
export function apiReference(): Promise<{
  readonly pages: ReadonlyMap<string, string>;
  readonly undocumented: readonly string[];
}>;

/** The pages as they lie in docs/api, by file name. */
export function currentPages(): ReadonlyMap<string, string>;
