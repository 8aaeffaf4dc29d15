import type { ErrorName } from "../error-code.ts";

type Meanings = Readonly<Partial<Record<ErrorName, string>>>;

let meanings: Meanings = {};

/** Loads some of the sentences at the first call. If it fails, the next call tries again. */
function loader(load: () => Promise<Meanings>): () => void {
  let isBegun = false;
  return () => {
    if (isBegun) return;
    isBegun = true;
    load().then(
      (loaded) => {
        meanings = { ...meanings, ...loaded };
      },
      () => {
        isBegun = false;
      },
    );
  };
}

const loadClientErrors = /*#__PURE__*/ loader(async () => (await import("./client-errors.ts")).clientErrors);
const loadOtherErrors = /*#__PURE__*/ loader(async () => (await import("./other-errors.ts")).otherErrors);

/** What the error means; no more than its name says, until the sentences are loaded. */
export function proseOf(name: ErrorName): string {
  const meaning = meanings[name];
  if (meaning !== undefined) return meaning;
  expectErrors(meanings.NONE !== undefined);
  return sentenceOf(name);
}

/**
 * Errors may come: loads what they mean. A page does not wait for that; it takes as long as a connection to a broker,
 * before which no broker sends errors.
 * @param isAll whether those are among them that come to others than producers and consumers
 */
export function expectErrors(isAll: boolean): void {
  loadClientErrors();
  if (isAll) loadOtherErrors();
}

function sentenceOf(name: ErrorName): string {
  const words = name.toLowerCase().replaceAll("_", " ");
  return `${words[0]!.toUpperCase()}${words.slice(1)}.`;
}
